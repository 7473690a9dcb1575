"""The soak's judge: what people did and saw, priced and held against journals and ledger."""

"""The soak's judge: prices what people did and saw, and compares it with journals and ledger."""

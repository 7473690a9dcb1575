"""Pictures made by code: things on other grounds, hands, empty trays, lights gone wrong."""

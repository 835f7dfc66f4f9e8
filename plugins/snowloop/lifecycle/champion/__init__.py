"""The champion: approval, promotion, rollback, its challenger, and the ledger of all of it."""

"""The ground floor: ids, money, errors, events and outbox, audit, health. No domain word in it."""

"""What all pages share: who asks, what that person may call, forms, errors, languages, navigation."""

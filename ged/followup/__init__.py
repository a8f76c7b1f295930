"""What heads and authorities follow: letters they gave or their units owe, and reminders of them."""

"""Letters written in Word: what their merge fields are, their pages once made, and what is printed on these later."""

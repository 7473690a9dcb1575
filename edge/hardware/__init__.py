"""The station's real devices: pins, contacts, sensors and the microcontroller behind a serial port."""

"""A microcontroller at the station: lids, readers and sensors behind one serial port."""

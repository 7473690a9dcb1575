"""A microcontroller as the station sees it: lids, readers and sensors behind one serial port."""

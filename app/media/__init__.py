"""RTP in, 20 ms frames of 8 kHz sound out, on one thread for all streams."""

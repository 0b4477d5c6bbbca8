"""Deep redundancy: Valin, Mustafa and Büthe, "Low-Bitrate Redundancy Coding of Speech Using a
Rate-Distortion-Optimized Variational Autoencoder", ICASSP 2023."""

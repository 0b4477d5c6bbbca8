"""Deep redundancy: Valin, Büthe and Mustafa, "Low-Bitrate Redundancy Coding of Speech Using a
Rate-Distortion-Optimized Variational Autoencoder", ICASSP 2023."""

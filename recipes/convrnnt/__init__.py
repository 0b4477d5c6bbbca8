"""ConvRNN-T: Radfar et al., "ConvRNN-T: Convolutional Augmented Recurrent Neural Network Transducers for
Streaming Speech Recognition", Interspeech 2022."""

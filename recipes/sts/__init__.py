"""The separator-transducer-segmenter: Sklyar, Piunova and Osendorfer, "Separator-Transducer-Segmenter: Streaming
Recognition and Segmentation of Multi-party Speech", Interspeech 2022."""

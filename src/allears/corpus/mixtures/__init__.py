"""Conversations made on the fly of real recordings of single talkers, on timelines as real ones have them.

At most two talk at once, more over time. After "MT-RNN-T" (Sklyar, Piunova, Zheng and Liu, "Multi-turn RNN-T for
streaming recognition of multi-party speech", ICASSP 2022), where overlap is simulated while training.
"""

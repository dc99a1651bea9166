"""No Free Prune (Kumar, Luo and Sellke, arXiv 2402.01089): how many bits of the data a mask carries, and what for.

The effective number of parameters of a pruned network is p_eff = non-zeros + I(mask; data).  A mask that was found by
training knows the data; one that was drawn, or computed from initial weights alone, does not.
"""

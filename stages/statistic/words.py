"""What the words mean that answers and questions are made of, for somebody who meets them on a page."""

TERMS = {
    "double descent": "A test error that falls, rises to a peak and falls again along an axis, such as the width.",
    "D": "The height of the peak above the higher of its two valleys, in points of test error. It is an estimate "
    "that allows for chance, so it may differ from what the drawn curve shows, and be above 0 where that has no peak. "
    "Of an answer that is no error it is in hundredths of the largest mean.",
    "alpha": "The strength of the penalty on the weights: training makes loss + alpha x penalty small.",
    "subgradient steps, soft thresholding": "Two ways to make the sum of the weights' magnitudes small. Subgradient "
    "steps move every weight a little towards 0, and past it; soft thresholding, a proximal step, stops there.",
    "p": "How often chance alone, without a double descent, makes a peak as clear as this one.",
    "runs that would decide it": "Estimated from the spread of the runs. Above 1,000 none is said to be affordable.",
    "cell": "One point of a grid, such as a width and an alpha, with all its runs. Runs differ in their seed.",
    "settled": "Half of the peak or more stands when the weights or the errors are averaged over the last epochs. "
    "One that does not is an effect of the step size.",
    "at chance": "At the peak the networks do no better than guessing, so training broke down there.",
    "sparse": "Weights become zero, or nearly so, across the peak. Asked over a penalty's strength alone.",
    "redrawn": "Every run has its own training images, its own wrong labels, or both.",
    "twin": "The same study with one training set for all runs.",
    "rounds of pruning": "Each removes a share of the weights that are left, and trains again: the smallest "
    "(magnitude), those with the least effect on the loss (gradient), or any (random).",
    "rewind, finetune, lr_rewind, scratch": "Where training goes on after a round: from the weights at the start, from "
    "the trained ones at a tenth of the step, from the trained ones at the full step, or from new random ones.",
    "reuse_up_to": "Up to this width a network starts from the trained narrower one, then from random weights.",
    "ridge": "The strength of the L2 penalty in a regression; with 0 it is least squares of least norm.",
    "prequential code": "The labels' length in bits when each block is coded by a network that was trained on those "
    "before. The shortest code names the option that predicts best.",
    "two-part code": "The labels' length in bits when first a network is sent, and then the labels that it gets wrong.",
    "tangent kernel": "How alike two images are to a network in training: the product of the output's gradients with "
    "respect to all weights. NNGP and NTK are those of infinitely wide networks.",
    "effective parameters": "How many of its parameters a trained network uses, as a smoother of its training targets.",
    "Gini, Hoyer": "How unequal the weights' magnitudes are: 0 where all are the same, near 1 where few hold all.",
    "MDL-COMP": "The shortest description of a linear regression and its data, in bits (arXiv 2006.10189).",
    "weights prunable at no cost": "The share of the weights, the smallest first, without which the training error is "
    "at most half a point higher.",
    "effective sparsity": "The share of the weights that are zero, or that zeros cut off from the inputs or outputs.",
    "live units": "Hidden units that fire on at least one training image.",
    "distance from the start": "The root of the sum of squares by which all weights and biases moved.",
    "all runs together": "The error of the mean of all runs' outputs.",
    "in order": "A horizontal scale on which the points stand at equal distances.",
    "Brier score": "The mean squared distance of the softmax's outputs from the labels.",
}
LABELS = {"given": "by the labels that it was trained with", "true": "by the true labels"}
COLLAPSE = {
    "nc1": "Neural collapse: how much images of a class vary in the last hidden layer, and class means do not, ",
    "nc2_norms": "Neural collapse: how much the class means differ in their distance from the mean of all, ",
    "nc2_angles": "Neural collapse: how far the angles between class means are from those of a simplex, ",
    "nc3": "Neural collapse: how far the last layer's weights are from the class means, ",
    "nc4": "Neural collapse: the share of images that go to another class than that of the nearest class mean, ",
}
ANSWERS = {
    "own": "The test error of the network as it is, with its own last layer.",
    "ridge, lasso, logistic": "The test error with a last layer that was fitted anew to the hidden layer.",
    **{f"{name}_{which}": f"{said}{LABELS[which]}." for which in LABELS for name, said in COLLAPSE.items()},
    "simplex_possible": "Of all networks, the share with enough units for a simplex: one for each class but one.",
    **{
        f"true_among_{count}_nearest": "The share of wrongly labelled images that stand among images of their true "
        f"class in the last hidden layer, by the {count} nearest with a right label."
        for count in (1, 5, 10)
    },
    "calibration_error": "How far the share of images that are right is from the largest output, in the mean.",
    "train_margin": "The label's output less the largest other one, on training images.",
    "test_margin": "The label's output less the largest other one, on test images.",
    "firing_entropy": "How evenly hidden units are on and off over training images, in bits.",
    "firing_entropy_given_class": "How evenly they are on and off over the training images of one class, in bits.",
    "path_norm": "The sum over all paths through the network of the product of the weights' magnitudes.",
    "balanced_near_zero_fraction": "The share of weights nearly zero, with weights of one norm into and out of a unit.",
    "balanced_gini": "The Gini index of these weights.",
    "balanced_hoyer": "Hoyer's sparsity of these weights.",
    "weight_change": "The distance of the weights from those at the start, divided by their norm there.",
    "hidden_cka": "How alike the last hidden layer is to that at the start, from 0 to 1 (linear CKA).",
    "tangent_cka": "How alike the tangent kernel is to that at the start, from 0 to 1.",
    "tangent_alignment": "How alike the tangent kernel is to whether two images have one given label, from 0 to 1.",
    "tangent_alignment_start": "The same before training.",
    "tangent_alignment_true": "The same after training, for the true labels.",
    "two_part_bits": "The length of the two-part code, in bits.",
    "two_part_weights_bits": "The part of it that describes the network.",
    "two_part_labels_bits": "The part of it that describes the labels that the network gets wrong.",
    "two_part_bits_a_weight": "How many bits name a weight in it.",
    "two_part_kept": "How many weights it keeps.",
    "description_bits": "The length of the prequential code, in bits.",
    "description_bits_calibrated": "The same where outputs are made less sure by a factor, sent with each block.",
    "uniform_bits": "The length of the labels if nothing is known of them, in bits.",
    "noise_bits": "The length of the wrong labels alone, if the true ones are known, in bits.",
    "p_eff_train": "Effective parameters on training images.",
    "p_eff_test": "Effective parameters on test images.",
    "first_order_gap": "How far the smoother that follows the tangent kernel is from the network that was trained.",
}

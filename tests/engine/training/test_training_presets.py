"""Presets have the sizes they say, counted without memory for them."""

from __future__ import annotations

import json

import pytest
import torch
from depthwright.engine.model.denoiser import Parametrisation
from depthwright.engine.model.depth_codec import DepthCodec
from depthwright.engine.model.published import PublishedConfig
from depthwright.engine.model.refinement import RefinedTransformer
from depthwright.engine.model.transformer import Transformer
from depthwright.engine.training.latent_model import LatentConfig
from depthwright.engine.training.sizes import FAMILY, PARAMETERS, PRESETS


def test_every_preset_has_its_count():
    assert set(PARAMETERS) == {*PRESETS, *FAMILY}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_preset_has_the_parameters_it_names(name):
    with torch.device("meta"):
        if name in FAMILY:
            model = Transformer(FAMILY[name])
        else:
            model = RefinedTransformer(PRESETS[name].transformer, PRESETS[name].refinement)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "width", "feed_forward"), [("370m", 1024, 3072), ("800m", 1536, 4608), ("3.3b", 3072, 9216)]
)
def test_the_family_has_the_papers_widths_feed_forward_and_layers(name, width, feed_forward):
    """arXiv 2606.13676, table 2."""
    config = FAMILY[name]
    assert (config.hidden_size, config.hidden_size * config.mlp_ratio) == (width, feed_forward)
    assert config.depth_double + config.depth_single + config.depth_decoder_num_layers == 30


def test_a_checkpoint_trained_to_predict_the_clean_image_is_sampled_so():
    trained = LatentConfig(
        FAMILY["370m"], DepthCodec(patch_size=16), parametrisation=Parametrisation(image_x_prediction=True)
    )
    config = PublishedConfig.from_dict(json.loads(json.dumps(trained.to_dict())))  # as it is written and read
    assert config.parametrisation == trained.parametrisation and config.transformer == trained.transformer
    assert not PublishedConfig.from_dict({"variant": "flux_rgbd_9b_v2"}).parametrisation.image_x_prediction

"""A folder that looks like the published model's, as far as a glance can tell."""


def lay_out_published(folder):
    """Sound files of the published model's transformer, as far as a glance can tell."""
    folder.mkdir()
    (folder / "config.json").write_text('{"variant": "flux_rgbd_9b_v2"}')
    header = b'{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1234")
    return folder

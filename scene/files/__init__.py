"""Files: pictures and depths, .blend files, the folder of a result. Each is written whole or not at all."""

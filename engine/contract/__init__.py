"""What both processes say to each other: request, result, errors, messages. numpy for arrays, nothing else."""

SELECT counted_s FROM segment_mark

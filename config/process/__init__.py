"""What every process of ours does with its threads, its log and the lines of native libraries."""

"""Pure calculation: values in, values out. No I/O, no clock, no host."""

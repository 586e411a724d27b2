//! What Footfall needs from the outside, as traits. Names no driver.

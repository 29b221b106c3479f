package mask

import "testing"

// Trials is how often a test tries something random: a tenth of n where tests are to be
// short, as under the race detector, which has nothing to see in one goroutine.
func Trials(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

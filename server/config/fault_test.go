package config

import (
	"strings"
	"testing"
)

// A thousand faults are not a thousand lines in a log.
func TestManyFaults(t *testing.T) {
	var fs Faults
	for range 1000 {
		fs.add("resources[0]", "it is wrong")
	}
	got := strings.Split(fs.Error(), "\n")
	if len(got) != maxFaults+1 || got[maxFaults] != "and 950 more like these or others" {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
	if got := fs[:maxFaults].Error(); strings.Contains(got, "more") {
		t.Error(got)
	}
}

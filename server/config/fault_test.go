package config

import (
	"fmt"
	"strings"
	"testing"
)

// A thousand faults are not a thousand lines in a log.
func TestManyFaults(t *testing.T) {
	var fs Faults
	for i := range 1000 {
		fs.add(fmt.Sprintf("resources[%d]", i), "%d is wrong", i)
	}
	got := strings.Split(fs.Error(), "\n")
	if len(got) != maxFaults+1 || got[maxFaults] != "and 950 more like these or others" {
		t.Errorf("%d lines, the last is %q", len(got), got[len(got)-1])
	}
	if got := fs[:maxFaults].Error(); strings.Contains(got, "more") {
		t.Error(got)
	}
}

// What a wrong template makes of each host does not hide the fault itself.
func TestSameFaults(t *testing.T) {
	var fs Faults
	fs.add("inventory[0].template.known_hosts", "a text is needed here")
	for i := range 250 {
		fs.add(fmt.Sprintf("resources[%d].host_keys", i), "they are needed")
	}
	fs.add("roles[0].rules[1]", "it is odd")
	want := []string{"inventory[0].template.known_hosts: a text is needed here",
		"resources[0].host_keys: they are needed", "resources[1].host_keys: they are needed", "resources[2].host_keys: they are needed",
		"roles[0].rules[1]: it is odd", "and 247 more that say: resources[*].host_keys: they are needed"}
	if got := fs.Error(); got != strings.Join(want, "\n") {
		t.Error(got)
	}
}

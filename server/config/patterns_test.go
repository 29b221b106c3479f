package config

import (
	"strings"
	"testing"
)

// TestPatterns: detectors of one's own are words of detect and reveal like those
// that there are, and what is wrong with one is told where it stands.
func TestPatterns(t *testing.T) {
	const foot = "masks:\n  - {name: m, resources: {names: [db]}, detect: [email, employee]}\n"
	const good = "patterns:\n  - {name: employee, match: 'EMP-[0-9]{6}'}\n"
	role := "roles:\n  - {name: hr, groups: [hr], resources: {names: [db]}, reveal: [employee]}\n"
	c := parse(t, small+good+foot+role)
	if all, err := c.Detectors(); err != nil || len(all) != 1 || all[0].Name != "employee" {
		t.Errorf("%v, %v", all, err)
	}
	if err := valid(t, compiled(t, "Config"), small+good+foot+role); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		foot: ": masks[0].detect[1]: unknown detector \"employee\"",
		"patterns:\n  - {name: email, match: 'EMP-[0-9]{6}'}\n":                                      ":12: patterns[0].name: pattern name \"email\" is that of a built-in detector",
		"patterns:\n  - {name: Employee, match: 'EMP-[0-9]{6}'}\n":                                   ":12: patterns[0].name: pattern name",
		"patterns:\n  - {name: employee, match: 'EMP-[0-9'}\n":                                       ":29: patterns[0].match: pattern \"employee\": error parsing regexp",
		"patterns:\n  - {name: employee, match: '[0-9]{6}'}\n":                                       ":29: patterns[0].match: pattern \"employee\": it must begin with three characters",
		"patterns:\n  - {name: employee}\n":                                                          "patterns[0].match: a regular expression is needed",
		"patterns:\n  - {name: employee, match: EMP-1}\n  - {name: employee, match: EMP-2}\n" + foot: "patterns[1].name: another pattern is named",
		"mask_key: {env: A, file: b}\n":                                                              "mask_key: a secret is given by one reference",
		"mask_key: hunter2\n":                                                                        "mask_key: a secret is never written here",
	} {
		_, err := Parse([]byte(small+text), "test.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if strings.HasPrefix(want, ":") && err != nil && !strings.Contains(err.Error(), "test.yaml:") {
			t.Errorf("no place: %v", err)
		}
	}
}

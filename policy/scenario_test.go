package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// scenario is a file of testdata: a policy and what it must say.
type scenario struct {
	roles     Roles
	masks     Masking
	policy    *Policy
	people    map[string]Identity
	resources map[string]Resource
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("scenarios: %d, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) { runScenario(t, f) })
	}
}

func runScenario(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{people: map[string]Identity{}, resources: map[string]Resource{}}
	wantFaults := ""
	answers := map[string]func(*testing.T, []string) string{
		"decisions": s.decide, "open": s.open, "masks": s.mask, "transcripts": s.transcript,
	}
	for _, f := range a.Files {
		text := string(f.Data)
		switch f.Name {
		case "policy.yaml":
			s.load(t, text)
		case "people":
			eachLine(text, func(l string) {
				name, groups, _ := strings.Cut(l, ":")
				s.people[name] = Identity{Issuer: "test", Subject: name, Groups: split(groups, ",")}
			})
		case "resources":
			eachLine(text, func(l string) { s.resource(l) })
		case "faults":
			wantFaults = text
		default:
			answer := answers[f.Name]
			if answer == nil {
				t.Fatalf("unknown section %q", f.Name)
			}
			if s.policy == nil {
				t.Fatal("questions to a policy that does not compile")
			}
			check(t, f.Name, text, answer)
		}
	}
	_, err = Compile(s.roles, s.masks)
	got := ""
	if err != nil {
		got = err.Error() + "\n"
	}
	if d := cmp.Diff(wantFaults, got); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
}

func (s *scenario) load(t *testing.T, text string) {
	var doc struct {
		Roles Roles   `yaml:"roles"`
		Masks Masking `yaml:"masks"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(text), &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	s.roles, s.masks = doc.Roles, doc.Masks
	s.policy, _ = Compile(s.roles, s.masks)
}

// check asks every question of a section and compares the whole of it.
func check(t *testing.T, section, text string, answer func(*testing.T, []string) string) {
	var want, got []string
	eachLine(text, func(l string) {
		q, a, ok := strings.Cut(l, "|")
		if !ok {
			t.Fatalf("%s: line without answer: %q", section, l)
		}
		q = strings.Join(strings.Fields(q), " ")
		want = append(want, q+" | "+strings.TrimSpace(a))
		got = append(got, q+" | "+answer(t, strings.Fields(q)))
	})
	if len(want) == 0 {
		t.Errorf("%s asks nothing", section)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", section, d)
	}
}

func (s *scenario) resource(line string) {
	name, rest, _ := strings.Cut(line, ":")
	words := strings.Fields(rest)
	r := Resource{Name: name, Kind: words[0], Labels: map[string]string{}}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		r.Labels[k] = v
	}
	s.resources[name] = r
}

func (s *scenario) who(t *testing.T, name string) Identity {
	id, ok := s.people[name]
	if !ok {
		t.Fatalf("nobody is named %q", name)
	}
	return id
}

func (s *scenario) where(t *testing.T, name string) Resource {
	r, ok := s.resources[name]
	if !ok && name != "-" {
		t.Fatalf("no resource is named %q", name)
	}
	return r
}

func (s *scenario) decide(t *testing.T, q []string) string {
	r := Request{Identity: s.who(t, q[0]), Resource: s.where(t, q[1]), Action: Action(q[2])}
	if c, err := ParseClass(q[2]); err == nil {
		r.Action, r.Facts.Class = ActionSQL, c
	}
	d := s.policy.Decide(r)
	if d.Reason == "" {
		t.Errorf("%v: a decision without reason", q)
	}
	return show(d)
}

func (s *scenario) open(t *testing.T, q []string) string {
	return show(s.policy.MayOpen(s.who(t, q[0]), s.where(t, q[1])))
}

func show(d Decision) string {
	text := d.Effect.String() + " " + d.Rule
	if d.Effect == Approve {
		text += fmt.Sprintf(" by %s, need %d, wait %s", strings.Join(d.Approvers, " or "), d.Need, d.Wait)
	}
	return text
}

func (s *scenario) mask(t *testing.T, q []string) string {
	m := s.policy.MasksFor(s.who(t, q[0]), s.where(t, q[1]))
	rules, detect := m.Seen, m.SeenDetect
	if q[2] == "kept" {
		rules, detect = m.Kept, m.KeptDetect
	} else if q[2] != "sees" {
		t.Fatalf("masks: neither sees nor kept: %v", q)
	}
	var out []string
	for _, r := range rules {
		out = append(out, r.Method+" "+r.Column)
	}
	if len(detect) > 0 {
		out = append(out, "detect "+strings.Join(detect, " "))
	}
	return strings.Join(out, "; ")
}

func (s *scenario) transcript(t *testing.T, q []string) string {
	role, ok := s.policy.SeesTranscript(s.who(t, q[0]), s.who(t, q[1]), s.where(t, q[2]))
	if !ok {
		return "no"
	}
	return strings.TrimSpace("yes " + role)
}

func eachLine(text string, do func(string)) {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			do(l)
		}
	}
}

func split(s, sep string) []string {
	var all []string
	for _, w := range strings.Split(s, sep) {
		if w = strings.TrimSpace(w); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// TestScenariosAreRead guards against a runner that compares nothing.
func TestScenariosAreRead(t *testing.T) {
	b, err := os.ReadFile("testdata/company.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []string{"decisions", "open", "masks", "transcripts"} {
		if !strings.Contains(string(b), "\n-- "+section+" --\n") {
			t.Errorf("company.txtar has no section %s", section)
		}
	}
}

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
	roles  Roles
	masks  Masking
	policy *Policy
	words  struct {
		Groups, Claims []string
		Labels         map[string]string
	}
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
		"decisions": s.decide, "reasons": s.reason, "open": s.open, "rights": s.rights, "masks": s.mask, "transcripts": s.transcript,
	}
	for _, f := range a.Files {
		text := string(f.Data)
		switch f.Name {
		case "policy.yaml":
			s.load(t, text)
		case "people":
			eachLine(text, func(l string) {
				s.person(l)
			})
		case "resources":
			eachLine(text, func(l string) { s.resource(l) })
		case "vocabulary.yaml":
			if err := yaml.UnmarshalWithOptions(f.Data, &s.words, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
		case "faults":
			wantFaults = text
		case "warnings":
			if d := cmp.Diff(strings.Split(text, "\n"), strings.Split(s.policy.Warnings().Error()+"\n", "\n")); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
		case "explain":
			if d := cmp.Diff(strings.Split(text, "\n"), strings.Split(s.explain(t, text), "\n")); d != "" {
				t.Errorf("explain (-want +got):\n%s", d)
			}
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
	_, err = s.vocabulary().Compile(s.roles, s.masks)
	got := ""
	if err != nil {
		got = err.Error() + "\n"
	}
	if d := cmp.Diff(strings.Split(wantFaults, "\n"), strings.Split(got, "\n")); d != "" {
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
	s.place(text)
	s.policy, _ = s.vocabulary().Compile(s.roles, s.masks)
}

// vocabulary is what the scenario says that there is.
func (s *scenario) vocabulary() Vocabulary {
	v := Vocabulary{Groups: s.words.Groups, Claims: s.words.Claims}
	if len(s.words.Labels) > 0 {
		v.Resources = []Resource{{Name: "labelled", Kind: "postgres", Labels: s.words.Labels}}
	}
	return v
}

// place finds the lines of rules that stand on one, in the order of the text.
func (s *scenario) place(text string) {
	lines, n := strings.Split(text, "\n"), 0
	for i := range s.roles {
		for j := range s.roles[i].Rules {
			r := &s.roles[i].Rules[j]
			for k := n; k < len(lines); k++ {
				if strings.Contains(lines[k], "{name: "+r.Name+",") {
					r.Place, n = fmt.Sprintf("policy.yaml:%d", k+1), k
					break
				}
			}
		}
	}
}

// person is name: groups; claim=value; ... where email is no claim.
func (s *scenario) person(line string) {
	name, rest, _ := strings.Cut(line, ":")
	parts := strings.Split(rest, ";")
	id := Identity{Issuer: "test", Subject: name, Groups: split(parts[0], ",")}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if k == "email" {
			id.Email = v
			continue
		}
		if id.Claims == nil {
			id.Claims = map[string][]string{}
		}
		id.Claims[k] = split(v, ",")
	}
	s.people[name] = id
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
	d := s.policy.Decide(s.request(t, q))
	if d.Reason == "" {
		t.Errorf("%v: a decision without reason", q)
	}
	return show(d)
}

func (s *scenario) reason(t *testing.T, q []string) string {
	return s.policy.Decide(s.request(t, q)).Reason
}

func (s *scenario) open(t *testing.T, q []string) string {
	r := s.request(t, append(q[:2:2], append([]string{"read"}, q[2:]...)...))
	return show(s.policy.For(r.Identity, r.Session, r.Now).MayOpen(r.Resource))
}

// rights are those of one resource, in short.
func (s *scenario) rights(t *testing.T, q []string) string {
	r := s.request(t, append(q[:2:2], append([]string{"read"}, q[2:]...)...))
	var all []string
	for _, r := range s.policy.For(r.Identity, r.Session, r.Now).Rights(r.Resource) {
		text := r.What + " " + r.Effect.String()
		if r.Conditional {
			text += " when " + r.When
		}
		for _, e := range r.Except {
			text += ", " + e.Effect.String() + " when " + e.When
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// explain answers the questions of a section, each a line with a question mark.
func (s *scenario) explain(t *testing.T, text string) string {
	var b strings.Builder
	eachLine(text, func(l string) {
		q, ok := strings.CutPrefix(l, "? ")
		if !ok {
			return
		}
		e := s.policy.Explain(s.request(t, strings.Fields(q)))
		fmt.Fprintf(&b, "? %s\n= %s\n", q, show(e.Decision))
		for _, tr := range e.Tried {
			sign := "-"
			if tr.Matched {
				sign = "+"
			}
			fmt.Fprintf(&b, "  %s %s %s (%s): %s\n", sign, tr.Effect, tr.Rule, tr.Place, tr.Why)
		}
		for l := range strings.Lines(e.Grant) {
			b.WriteString("  > " + l)
		}
	})
	return b.String()
}

func show(d Decision) string {
	text := d.Effect.String() + " " + d.Rule
	if d.Effect == Approve {
		text += fmt.Sprintf(" by %s, need %d, wait %s", strings.Join(d.Approvers, " or "), d.Need, d.Wait)
	}
	if d.Lasts > 0 {
		text += ", lasts " + d.Lasts.String()
	}
	if d.ReasonRequired {
		text += ", asks why"
	}
	if d.Limits != (Limits{}) {
		text += ", limits " + strings.Trim(strings.ReplaceAll(fmt.Sprintf("%+v", d.Limits), ":", " "), "{}")
	}
	if d.Results == KeepDigest {
		text += ", digest"
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

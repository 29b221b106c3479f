package mask

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSecretive: behind a name that is not looked at, no detector finds a secret.
func TestSecretive(t *testing.T) {
	p := allDetectors(t)
	parts := []string{"password", "pass", "token", "secret", "api", "key", "Key", "aws_secret_access_", "authorization", "credential", "s", "id", "name", "note",
		"--", "-", "curl -u x", "mysql -p", " ", ":", "=", ">", "<", "\"", "'", "\\", "`", "[None]", "_", ".", "1", "é", "ｄ", "\u200b", "\t", "next", "AKIAFRB7QN3VKRKSSVTN"}
	values := []string{"hunter22-A9x", "c+Wv8kQSG/9j9X3cBQY6mBpHAlsuts91m0MbgWCI", "Bearer aB3dE6gH9jK2mN5p", "x9"}
	r := rand.New(rand.NewPCG(17, 18))
	passed, found := 0, 0
	for range Trials(60_000) {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		before := b.String() + `="`
		hit := false
		for _, h := range p.Find(before + values[r.IntN(len(values))] + `"`) {
			hit = hit || h.Start == len(before) && (h.Detector == "secret" || h.Detector == "aws_secret_key")
		}
		switch {
		case hit:
			found++
			if !secretive(b.String()) {
				t.Fatalf("a secret behind %q, which is not looked at", b.String())
			}
		case !secretive(b.String()):
			passed++
		}
	}
	if passed < Trials(1000) || found < Trials(1000) {
		t.Errorf("%d names passed, %d with secrets", passed, found)
	}
}

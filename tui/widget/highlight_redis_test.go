package widget

import "testing"

func TestHighlightRedis(t *testing.T) {
	letters := map[Token]byte{TokenPlain: '.', TokenKeyword: 'k', TokenAlarm: 'a', TokenString: 's', TokenNumber: 'n', TokenOperator: 'o'}
	for text, want := range map[string]string{
		"":                         "",
		"get user:1":               "kkk.......",
		"FlushAll;":                "aaaaaaaa" + "o",
		`set a "x \" y" EX 10`:     "kkk...ssssssss.kk.nn",
		"zrange z 0 -1 WITHSCORES": "kkkkkk...n.nn.kkkkkkkkkk",
		`get 'open`:                "kkk.sssss",
		"get é":                    "kkk..",
	} {
		var got []byte
		for _, tok := range HighlightRedis([]rune(text)) {
			got = append(got, letters[tok])
		}
		if string(got) != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

package postgres

import "testing"

// TestKeys: what a key of its table settles may be among what rows are told apart
// by, since it decides nothing; a masked column that is told apart otherwise decides.
func TestKeys(t *testing.T) {
	w := newTwins(t)
	for text, want := range map[string]bool{
		"select distinct id, email from users order by id":                                                                   true,
		"select distinct email, id from users order by 2":                                                                    true,
		"select distinct u.id, u.email, u.tier from users u join orders o on o.user_id = u.id order by u.id, u.tier":         true,
		"select distinct u.id, u.email, o.note from users u join orders o on o.user_id = u.id order by id, note":             true,
		"select distinct * from users order by id, tier":                                                                     true,
		"select u.id, u.email, count(o.id) from users u left join orders o on o.user_id = u.id group by u.id, u.email":       true,
		"select id, email, count(*) from users group by 1, 2":                                                                true,
		"select u.id, u.email, o.total, count(*) from users u join orders o on o.user_id = u.id group by u.id, email, total": true,
		"select distinct id, email from users":                                                                               false, // their order is that of values or hashes
		"select distinct id, email from users order by tier":                                                                 false,
		"select distinct u.id, u.email, o.note from users u join orders o on o.user_id = u.id order by u.id":                 false,
		"select distinct id, email from users order by id + 0":                                                               false,
		"select distinct id, email from users order by email, id":                                                            false,
		"select distinct email from users":                                                                                   false,
		"select distinct id / 2, email from users order by 1":                                                                false,
		"select distinct a.id, b.email from users a join users b on b.id = a.id order by 1":                                  false,
		"with c as (select * from users) select distinct a.id, b.email from c a cross join c b order by 1":                   false,
		"select distinct id, upper(email) from users order by id":                                                            false,
		"select distinct o.id, (select email from users u where u.id = o.user_id) from orders o order by 1":                  false,
		"select id, email from users union select 0, 'x' order by 1":                                                         false,
		"select email, count(*) from users group by email":                                                                   false,
		"select id / 2, email from users group by id / 2, email":                                                             false,
		"select id, email, count(*) from users group by rollup (id, email)":                                                  false,
		"select id, email from users group by grouping sets ((id), (email))":                                                 false,
		"select a.id, b.email from users a, users b group by a.id, b.email":                                                  false,
	} {
		if got := w.permitted(t, text); got != want {
			t.Errorf("%s: permitted %v, want %v", text, got, want)
		}
	}
	// A key that may be broken for a while, or holds of some rows alone, is none.
	for _, made := range []string{
		"create table k (id int not null unique deferrable, email text)", "create table k (id int unique, email text)",
		"create table k (id int not null, email text); create unique index on k (id) where id > 5",
		"create table k (id int not null, email text); create unique index on k ((id + 1))",
		"create table k (id int primary key, email text); create table child () inherits (k)",
	} {
		s, name := database(t, made)
		c := openApp(t, s, name, allow())
		l := c.trace(t.Context(), "select distinct id, email from k order by id")
		if !l.Understood || len(l.Predicates) == 0 {
			t.Errorf("%s: %+v", made, l.Result)
		}
	}
}

// TestKeysInterfere: rows that are told apart by a key come alike from two databases
// that differ in what is masked.
func TestKeysInterfere(t *testing.T) {
	w := newTwins(t)
	for _, text := range []string{
		"select distinct id, email, tier from users order by id, tier",
		"select distinct u.id, u.email, o.note from users u join orders o on o.user_id = u.id order by o.note, u.id",
		"select id, email, count(*) from users group by id, email",
		"select u.id, email, ssn, count(o.id) from orders o join users u on o.user_id = u.id group by u.id, u.email, ssn",
	} {
		if !w.check(t, text) {
			t.Errorf("%s is not answered", text)
		}
	}
}

package postgres

import "testing"

// TestOraclesByWhatIsSkipped: what is evaluated only where a masked value has some
// property tells of it. (ssn < '740') and 1/(id-1) > 0 failed for one person's ssn
// and was masked for another's; a sequence moved, a sleep slept, in the same way.
func TestOraclesByWhatIsSkipped(t *testing.T) {
	w := newTwins(t)
	for text, want := range map[string]bool{
		"select (email < 'm') and 1/(id-1) > 0 from users":                                                     false,
		"select (email < 'm') or tier::int > 0 from users":                                                     false,
		"select not (email < 'm' and 1/(id-1) > 0) from users":                                                 false,
		"select (email < 'm') and (select count(*) from generate_series(1, 10)) > 0 from users":                false,
		"select (email < 'm') and pg_sleep(1) is null from users":                                              false,
		"select email in (tier, (1/(id-1))::text) from users":                                                  false,
		"select email between 'a' and (1/(id-1))::text from users":                                             false,
		"select row(email, 1) < row('m', 1/(id-1)) from users":                                                 false,
		"select email = any (select (1/(id-1))::text from orders) from users":                                  false,
		"select sum(1/(id-1)) filter (where email < 'm') from users":                                           false,
		"select coalesce(substring(email from '^s'), (1/(id-1))::text) from users":                             false,
		"select v.b and v.x > 0 from (select email < 'm' as b, 1/(id-1) as x from users) v":                    false,
		"with c as (select email < 'm' as b, id from users) select b and 1/(id-1) > 0 from c":                  false,
		"select (select bool_or(email < 'm') from users) and 1/((select 1)-1) > 0":                             false,
		"select (regexp_match(email, '^s'))[1/(id-1)] from users":                                              false,
		"select lag(id, strpos(ssn, '9'), 1/(id-1)) over (order by id) from users":                             false,
		"select lag(1/(id-1), strpos(ssn, '9')) over (order by id) from users":                                 false,
		"select lag(email, 1, '-') over (order by id), (string_to_array(email, '@'))[1] from users":            true,
		"select (email < 'm') and nextval('s') > 0 from users":                                                 false,
		"declare c cursor for select (email < 'm') and 1/(id-1) > 0 from users":                                false,
		"select (email < 'm') and tier = 'pro' from users":                                                     true,
		"select email like '%@x' or lower(tier) = 'pro' or email is null from users":                           true,
		"select coalesce(email, ssn, '-') from users":                                                          true,
		"select coalesce(tier, '-') || ' ' || email from users":                                                true,
		"select email in ('a', 'b', tier) from users":                                                          true,
		"select count(*) filter (where tier = 'pro'), max(email) from users":                                   true,
		"select count(*) filter (where email is null) from users":                                              true,
		"select count(*) > 5 and bool_or(email like 's%') from users":                                          true,
		"select id, tier = 'pro' and total / (o.id - o.id + 1) > 0 from users u join orders o using (id)":      true,
		"select (tier = 'pro' and 1/(id-1) > 0), email from users where id > 1":                                true,
		"select o.id, (select email from users u where u.id = o.user_id and 10 / u.id > 0) from orders o":      true,
		"select upper(email), length(ssn) > 3 and tier <> 'x' from users order by id":                          true,
		"select json_agg(json_build_object('id', id, 'email', email) order by id) from users where tier = 'x'": true,
	} {
		if got := w.permitted(t, text); got != want {
			t.Errorf("%s: permitted %v, want %v", text, got, want)
		}
	}
}

// TestOraclesBySize: a value that is made larger than the target, or the gate, can
// take where a masked one has some property told of it by the error:
// replace(ssn, '7', repeat('x', 500000000)). So did how long an expression of the
// asker's takes to match.
func TestOraclesBySize(t *testing.T) {
	w := newTwins(t)
	for text, want := range map[string]bool{
		"select replace(ssn, '7', repeat('x', 500000000)) from users":                                                                                           false,
		"select replace(ssn, '7', tier) from users":                                                                                                             false,
		"select repeat(ltrim(ssn, '7'), 90000000) from users":                                                                                                   false,
		"select greatest(ssn, rpad('740', 600000000, 'x')) from users":                                                                                          false,
		"select greatest(ssn, 1e100000::text) from users":                                                                                                       false,
		"select greatest(ssn, '740'::char(10000000)) from users":                                                                                                false,
		"select greatest(ssn, (select string_agg(note, '') from orders)) from users":                                                                            false,
		"select string_agg(ltrim(ssn, '7'), '') from users, generate_series(1, 100000000)":                                                                      false,
		"select string_agg(ssn, '') from users, generate_series(1, 100000000)":                                                                                  false,
		"select string_agg(replace(ssn, '7', ''), '') from users":                                                                                               false,
		"select replace(replace(replace(replace(ssn, '7', '7777777777'), '7', '7777777777'), '7', '7777777777'), '7', '77') from users":                         false,
		"with recursive r(x, n) as (select ssn, 1 from users union all select replace(x, '7', '77'), n + 1 from r where n < 30) select x from r":                false,
		"with recursive r(x, n) as (select 'y'::text, 1 union all select x || x, n + 1 from r where n < 30) select greatest(ssn, x) from users, r where n = 29": false,
		"select greatest(ssn, x) from users, (select x || x as x from (select repeat('x', 200) as x) a) b":                                                      false,
		"select regexp_replace(ssn, '^((.*)*)*\\1z', '') from users":                                                                                            false,
		"select ssn ~ '(a*)*(b*)*(c*)*d' from users":                                                                                                            false,
		"select ssn ~ tier from users":                                                                                                                          false,
		"select regexp_replace(ssn, '[^0-9]+', '', 'g'), '***' || right(ssn, 4), lpad(right(ssn, 4), 11, '*') from users":                                       true,
		"select replace(ssn, '-', ''), translate(ssn, '0123456789', '**********'), greatest(pay, 0) from users":                                                 true,
		"select ssn ~ '^[0-9]{3}-[0-9]{2}$', ssn similar to '7%' from users":                                                                                    true,
		"select tier, string_agg(email, ', ' order by id) from users group by tier":                                                                             true,
		"select string_agg(u.email, ',') from orders o join users u on u.id = o.user_id":                                                                        true,
		"select repeat('*', 12) || right(ssn, 4), upper(left(email, 1)) || lower(substr(email, 2)) from users":                                                  true,
		"select row_to_json(u), to_jsonb(u) from users u":                                                                                                       true,
		"with recursive t(id, path) as (select id, email from users where id = 1 union all select u.id, t.path || '/' || u.email from users u join t on u.id = t.id + 1) select id, path from t where id > 1": true,
		"select replace(note, 'a', repeat('x', 1000)), greatest(note, repeat('x', 1000)) from orders":                                                                                                         true,
	} {
		if got := w.permitted(t, text); got != want {
			t.Errorf("%s: permitted %v, want %v", text, got, want)
		}
	}
}

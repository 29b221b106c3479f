-- Questions about masked values, one a line, over the twins of interference_test.go:
-- answers must not tell two databases apart that differ in masked values alone.
select 1 / (case when email like 's%' then 0 else 1 end) from users
select 1 / (length(email) - 7) from users where id = 1
select (length(email) - 7) % 0 from users
select mod(10, length(email) - 7) from users
select id from users order by (select email)
select id from users order by email is null, length(email)
select id from users limit (select length(email) from users where id = 1) - 5
select id from users offset (select count(*) from users where email like 's%')
select count(*) filter (where email like 's%') from users
select count(case when email like 's%' then 1 end) from users
select count(nullif(left(email, 1), 's')) from users
select sum(case when email like 's%' then 1 else 0 end) from users
select bool_or(email like 's%') from users
select tier from users group by tier having max(email) > 'm'
select distinct left(email, 2) from users
select id, rank() over (order by email) from users
select id, row_number() over (order by pay desc) from users order by id
select id, ntile(2) over w from users window w as (order by email)
select o.id from orders o join users u on u.email = 'secretxxx1' and u.id = o.user_id
select o.id from orders o left join users u on u.id = o.user_id and u.email like 's%' where u.id is null
select id from users natural join (select email from users where id = 1) s
select id from users join (select 'secretxxx1'::text as email) s using (email)
select s.id from (select id, email like 's%' as f from users) s where f
select s.id from (select id, email like 's%' as f from users) s order by f
with t as (select id, email like 's%' as f from users) select id from t where f
with t as materialized (select id from users where email like 's%') select count(*) from t
select id from users where (email, id) = ('secretxxx1', 1)
select id from users where row(email) = row('secretxxx1')
select id from users where email in ('secretxxx1', 'x')
select id from users where email = any (array['secretxxx1'])
select id from users u where u::text like '%secret%'
select id from users u where u = (select v from users v where v.id = 1)
select id from users u where to_jsonb(u) @> '{"email": "secretxxx1"}'
select id from users u where u.email is not distinct from 'secretxxx1'
select id from users where 'secretxxx1' = email
select id from users where exists (select 1 where email like 's%')
select id from users where email = (select min(email) from users)
select id from users where not (email <> 'secretxxx1')
select id from users where case when email like 's%' then true else false end
select id from users where coalesce(email, '') ~ '^s'
select id from users where mail(id) like 's%'
select id from users where join_up(users) like 's%'
select id from v where contact like 's%'
select id from m where entry like 's%'
select id from v order by contact
select u.id from users u, generate_series(1, length(u.email)) g
select u.id, g from users u, unnest(string_to_array(u.email, 'x')) g
select u.id from users u, regexp_split_to_table(u.email, 'x') g
select u.id, regexp_split_to_table(u.email, 'x') from users u
select u.id from users u cross join lateral (select 1 where u.email like 's%') x
select u.id from users u cross join lateral (select generate_series(1, length(u.email))) x
select id from users union select 1 where (select email from users where id = 1) like 's%'
select 'secretxxx1' intersect select email from users
select 'secretxxx1' union select email from users
select 'secretxxx1' except select email from users
select id from users tablesample bernoulli ((select length(email) from users where id = 1))
select id from users for update of users skip locked
select email from users fetch first 2 rows with ties
select pg_typeof(email), pg_column_size(email) from users
select octet_length(email), bit_length(email), char_length(ssn) from users
select array_agg(id order by email) from users
select string_agg(id::text, ',' order by pay) from users
select percentile_disc(0.5) within group (order by pay) from users
select mode() within group (order by email) from users
select rank('m') within group (order by email) from users
select corr(id, pay) from users
select min(u.email) over () from users u
select (select count(*) from users z where z.email < u.email) from users u
select exists (select from users where email like 's%')
select (select id from users where email like 's%' limit 1)
select array(select id from users order by email)
select json_agg(u order by id) from users u
select json_object_agg(email, id) from users where email is not null
select jsonb_path_query(doc, '$.k') from users
select doc ? 'k', doc -> 'k' from users
select jsonb_object_keys(doc) from users
select * from jsonb_populate_record(null::users, (select to_jsonb(u) from users u where id = 1))
select x.* from users u, jsonb_to_record(to_jsonb(u)) as x(id int, email text)
select (jsonb_populate_record(null::users, to_jsonb(u))).email from users u
select (u).email, (u.*).ssn, u.join_up, join_up(u), email(u) from users u
select row_to_json(x) from (select email, tier from users) x
select x.tier from (select u from users u) s, lateral (select (s.u).*) x(id, tier)
select t.tier from users as t(id, tier)
select email as tier, tier as email from users
select tier from (select email as tier from users) users
with users as (select email as tier, id from users) select tier from users
with v as (select id, tier as contact from users) select contact from v
select v.contact from v
select u.tier from users u, lateral (select u.email as tier) x
select x.tier from users u, lateral (select u.email as tier) x
select a.tier from (users a join users b using (id)) where b.id = 1
select j.tier from (users a(i, tier) join orders o on o.id = a.i) j
select min(tier) from users group by email
select tier from users group by tier, email
select tier, count(*) from users group by cube (tier, email)
select grouping(email), count(*) from users group by grouping sets ((email), ())
select query_to_xml('select email from users', true, false, '')
select ('select email from users').query_to_xml
select pg_catalog.query_to_xml('select email from users', true, false, '')
select table_to_xml('users', true, false, '')
select schema_to_xml('public', true, false, '')
select cursor_to_xml('x', 1, true, false, '')
select ts_stat('select to_tsvector(email) from users')
select * from ts_stat('select to_tsvector(email) from users')
select most_common_vals from pg_stats where tablename = 'users'
select stavalues1 from pg_statistic
select n_distinct from pg_stats where tablename = 'users'
select query from pg_stat_activity
select statement from pg_prepared_statements
select null_frac, avg_width from pg_catalog.pg_stats
select pg_stat_get_live_tuples('users'::regclass)
select pg_relation_size('users'), pg_table_size('users'), pg_total_relation_size('users')
select relpages from pg_class where relname = 'users'
select pg_size_pretty(pg_relation_size('users'::regclass))
explain select id from users where email like 's%'
explain analyze select id from users where email like 's%'
explain select email from users
explain (format json) select * from users where pay > 50
do $$ begin raise notice '%', (select email from users limit 1); end $$
select lo_from_bytea(0, email::bytea) from users
select pg_notify('x', email) from users
select set_config('x.y', email, false) from users where id = 1
select setval('pg_temp.s', length(email)) from users
select pg_advisory_lock(length(email)) from users
select pg_sleep(case when email like 's%' then 1 else 0 end) from users
select email::int from users where id = 1
select email::date from users where id = 1
select cast(ssn as boolean) from users
select repeat('x', length(email)) from users
select lpad('x', length(email)) from users
select chr(length(email)) from users
select u.email from users u where u.id in (select user_id from orders where note = 'note 1')
select overlay(tier placing email from 1) from users
select ('x' || email) collate "C" from users
select xpath('/a/text()', xmlelement(name a, email)) from users
select t.e from users, xmltable('/a' passing xmlelement(name a, email) columns e text path '.') t
select current_setting('search_path'), current_query()
select * from users where false union all select * from users
table users
values ((select email from users where id = 1), 1), ('x', 2) order by 1
select z from users z
select z.* from v z
select q.c from (select u.*::text as c from users u) q
select mails('pro')
select (mails('pro')).*
select mails from mails('pro')
select m from mails('pro') m
select m.email from mails((select email from users where id = 1)) m
select * from rows from (mails('pro'), generate_series(1, 3)) x
select wrap(x) from (select mail(1) x) s
select public.wrap(public.mail(1)), pg_catalog.upper(public.mail(1))
select u.email operator(pg_catalog.||) 'x' from users u
select U&"\0065mail" from users
select "email" from "public"."users"
select/**/email/**/from/**/users
select E'\x65mail', email from users
select tier from users where id = length((select email from users where id = 1))
select id from orders where user_id = (select id from users order by email limit 1)
select note from orders where total > (select avg(pay) from users)
select note from orders order by (select max(pay) from users where users.id = orders.user_id)
select note from orders where user_id = any (select id from users where pay > 50)
select note from orders where (user_id, total) in (select id, pay from users)
select note from orders o where row(o.user_id, 'secretxxx1') in (select id, email from users)
select born from users order by born
select extract(year from born), date_part('year', born), age(born), born + 1 from users
select pay, pay + 1, round(pay), pay::int, -pay, abs(pay) from users
select sum(pay), avg(pay), stddev(pay) from users
select width_bucket(pay, 0, 100, 10) from users
select case pay when 34.50 then 'y' else 'n' end from users
select nullif(pay, 34.50) from users
select decode(encode(email::bytea, 'hex'), 'hex') from users
select to_tsvector(email), to_tsvector('simple', ssn) from users
select email ~~ 's%', email similar to 's%', email ~* 'S' from users
select starts_with(email, 's'), strpos(email, 'e') from users
select split_part(email, 'x', 1) from users
select id from users u where u.* is not null
select id, u.* is null, num_nulls(u.email, u.doc) from users u
select num_nonnulls(email) from users
select coalesce(nullif(tier, email), 'same') from users
select greatest(id, length(email)) from users
select hashtext(email), hash_array(array[email]) from users
select count(*) from users having max(email) > 's'
select 1 from users having count(distinct email) > 3
select lag(id) over (order by email) from users
select id, count(*) over (partition by email) from users
select id from (select id, dense_rank() over (order by pay) r from users) s where r = 1
select translate(left(ssn, 1), '3', 'x')::int from users where id = 1
select chr(ascii(left(ssn, 1)) - 51) from users where id = 1
select split_part('a', 'b', length(email) - 7) from users where id = 1
select substr('x', 1, length(email) - 8) from users where id = 1
select get_byte(email::bytea, 9) from users where id = 1
select pay::int + 2147483600 from users
select born + 2147000000 from users
select make_date(length(email), 1, 1) from users
select to_date(left(ssn, 1), 'YYYY') from users
select 'x' ~ left(email, 1) from users
select 'x' like right(email, 1) || '\' from users
select ('{' || left(ssn, 1))::jsonb from users where id = 1
select row(translate(left(ssn, 1), '3', 'x'), 'b')::pair from users where id = 1
select format('%' || left(email, 1), 1) from users where id = 1
select jsonb_set('{}', array[left(email, 1)], '1') from users
select pay * 1e131071 from users
select interval '1 day' * pay from users
select ('1' || email)::text, (email || 'x')::varchar(3), upper(email)::char(2) from users
select json_value(doc, '$.k' error on error) from users
select xmlparse(content left(email, 1)) from users
select least(id, length(email) / 0) from users
select id from users where id = 1 and 1 / (length(email) - 8) > 0
select array_fill(1, array[length(email) - 9]) from users
select decode(left(ssn, 1), 'hex') from users
select sqrt(length(email) - 8), ln(length(email) - 8) from users where id = 1
select setseed(length(email) - 9) from users where id = 1
select key, value from users u, jsonb_each_text(to_jsonb(u)) where key in ('email', 'ssn')
select key from users u, jsonb_each_text(to_jsonb(u) - 'email')
select key from users u, jsonb_each_text(u.doc)
select jsonb_object_keys(to_jsonb(u)) from users u
select jsonb_object_keys(doc) from users
select x from users u, unnest(array[u.email, u.ssn]) x
select u.id from users u, unnest(array[u.email, u.ssn]) x where x like 's%'
select u.id from users u, unnest(array[string_to_array(u.email, 'x')]) x
select u.id from users u, unnest(array[email, 'a'] || array['b']) x
select (x).key from (select jsonb_each(to_jsonb(u)) x from users u) s
select (jsonb_each(jsonb_strip_nulls(to_jsonb(u)))).key from users u

-- The tables of schema.sql for MariaDB and MySQL. @side is 'A' or 'B', set before: only
-- sensitive values depend on it, in content and in length. To be run by a superuser in
-- an empty database; the sequence tables (seq_1_to_500) are MariaDB's.
create table customers (id int primary key, full_name varchar(120) not null, email varchar(190) not null unique, phone varchar(40) not null, ssn char(11) not null,
  card_number varchar(32) not null, notes text, profile longtext not null, tier varchar(20) not null, country char(2) not null, is_active boolean not null, created_at datetime not null,
  key customers_tier_phone (tier, phone));
create table orders (id int primary key, order_no varchar(40) not null unique, customer_id int not null, status varchar(20) not null, total decimal(10,2) not null check (total > 0),
  currency char(3) not null, ext_ref char(36) not null, tracking_no varchar(40) not null, app_version varchar(20) not null, client_ip varchar(45) not null, build_sha char(40) not null, placed_at datetime not null,
  key orders_customer_idx (customer_id), constraint orders_customer foreign key (customer_id) references customers (id));
create table payments (id int primary key, order_id int not null, method varchar(20) not null, amount decimal(10,2) not null, card_number varchar(32), iban varchar(40), payer_email varchar(190) not null, gateway_ref varchar(40) not null, paid_at datetime not null,
  updated_at timestamp not null default '2020-01-01 00:00:00' on update current_timestamp, constraint payments_order foreign key (order_id) references orders (id));
create table employees (id int primary key, full_name varchar(120) not null, work_email varchar(190) not null, department varchar(40) not null, title varchar(60) not null, salary int not null, manager_id int, hired_on date not null);
create table api_tokens (id int primary key, name varchar(60) not null, kind varchar(20) not null, secret varchar(80) not null, owner_id int not null, scopes varchar(100) not null, revoked boolean not null, last_used_ip varchar(45), created_at datetime not null,
  secret_tail varchar(8) generated always as (right(secret, 8)) virtual);
create table scratch (id int primary key auto_increment, v varchar(200), n bigint, email varchar(190));
create table tickets (id int primary key, note varchar(100));
insert into customers select seq, concat('Nadja ', left(md5(concat(@side, seq, 'n')), 6 + (crc32(concat(@side, seq)) % 9))), concat('u', left(md5(concat(@side, seq, 'e')), 5 + (crc32(concat(@side, seq, 'l')) % 12)), '@mail', @side, '.example'),
  concat('+1-202-555-', lpad(crc32(concat(@side, seq, 'p')) % 10000, 4, '0'), '-', @side, seq), concat(734 + seq % 16, '-', lpad(crc32(concat(@side, seq)) % 90 + 10, 2, '0'), '-', lpad(crc32(concat(@side, 's', seq)) % 9000 + 1000, 4, '0')),
  concat('4', lpad(crc32(concat(@side, seq, 'c')), 15, '7')), if(seq % 5 = 0, null, concat('note ', md5(concat(@side, seq, 'o')))),
  concat('{"city": "', left(md5(concat(@side, seq, 'j')), 8), '", "n": ', crc32(concat(@side, seq)), '}'), elt(1 + seq % 4, 'free', 'basic', 'pro', 'enterprise'), elt(1 + seq % 5, 'DE', 'FR', 'US', 'PL', 'JP'), seq % 8 > 0, '2024-01-01' + interval seq hour from seq_1_to_500;
insert into orders select seq, concat('ORD-', 10000 + seq), 1 + (seq * 7) % 500, elt(1 + seq % 4, 'new', 'paid', 'shipped', 'cancelled'), 10 + seq * 1.37, elt(1 + seq % 3, 'EUR', 'USD', 'PLN'), concat('00000000-0000-4000-8000-', lpad(seq, 12, '0')),
  concat('TRK', lpad(seq, 9, '0')), concat('3.', seq % 7, '.1'), concat('198.51.100.', seq % 250), sha1(seq), '2024-03-01' + interval seq hour from seq_1_to_500;
insert into payments select seq, seq, elt(1 + seq % 3, 'card', 'sepa', 'wallet'), 10 + seq * 1.37, if(seq % 3 = 0, concat('4', lpad(crc32(concat(@side, seq, 'pc')), 15, '3')), null), if(seq % 3 = 1, concat('DE', lpad(crc32(concat(@side, seq, 'i')), 20, '5')), null),
  concat('p', left(md5(concat(@side, seq, 'pe')), 8), '@pay', @side, '.example'), concat('GW-', seq), '2024-03-02' + interval seq hour, '2020-01-01 00:00:00' from seq_1_to_500;
insert into employees select seq, concat('Ivo ', left(md5(concat(@side, seq, 'en')), 8)), concat('w', left(md5(concat(@side, seq, 'we')), 8), '@corp', @side, '.example'), elt(1 + seq % 4, 'ops', 'sales', 'dev', 'legal'), elt(1 + seq % 3, 'lead', 'senior', 'junior'),
  30000 + crc32(concat(@side, seq, 'sal')) % 90000, if(seq > 5, 1 + seq % 5, null), '2020-01-01' + interval seq day from seq_1_to_120;
insert into api_tokens (id, name, kind, secret, owner_id, scopes, revoked, last_used_ip, created_at) select seq, concat('token ', seq), elt(1 + seq % 2, 'ci', 'bot'), concat('tok_', md5(concat(@side, seq, 'tok'))), seq, 'read', seq % 5 = 0, concat('203.0.113.', seq), '2024-02-01' + interval seq hour from seq_1_to_60;
insert into tickets select seq, concat('ticket ', seq) from seq_1_to_50;
create view v_customer_contact as select id as ref, full_name as label, email as contact, phone as line from customers;
create view v_customer_public as select id, tier, country, is_active, cast(created_at as date) as since from customers;
create view v_directory as select c.id, concat(c.full_name, ' <', c.email, '>') as entry, c.country from customers c;
create view v_nested as select ref as id, upper(contact) as c from v_customer_contact where ref < 100;
create view v_filtered as select id, tier from customers where email like 'u1%';
create view v_paid as select o.id, o.order_no, o.total from orders o where o.status = 'paid';
create function customer_card(p_id int) returns varchar(40) reads sql data return (select card_number from customers where id = p_id);
create function order_count(p_customer int) returns bigint reads sql data return (select count(*) from orders where customer_id = p_customer);
create procedure reach(p_id int) select email from customers where id = p_id;
create procedure keep_email(p_id int) insert into scratch (v) select email from customers where id = p_id;
analyze table customers, orders, payments, employees, api_tokens;

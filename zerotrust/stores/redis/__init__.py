"""Redis or Valkey as a store: one round trip per ask, for one server, a master found by Sentinels, or a cluster.

What is promised besides `zerotrust.stores.store`, and what is not:

- Each ask is one command or one script, carried out as a whole, so it is atomic among all clients of a server.
- A server that evicts, a replica, and a namespace that was begun with another index key are refused: on every new
  connection the server is asked about itself, and every five seconds again along with an ask. Who changes
  `maxmemory-policy` of a running server is found out after those five seconds at the latest, with the next ask; what
  was evicted meanwhile is gone, used marks too.
- An ask is tried once. When the reply is lost nobody knows whether it was carried out, so it fails, and a mark that may
  have been set counts as used.
- Clocks: what is kept lives for the longer of what the asker's clock and the server's clock say, and a minute more. A
  server whose clock is moved forward by more than a minute later on may forget marks too early.
- Crashes: a server without an append-only file forgets on a restart, with one that is synced every second it loses up
  to two seconds, unless `appendfsync always` is set. Replication is asynchronous: a failover may lose the last marks.
  A master that was cut off may take marks beside its successor until the Sentinels are asked again, every ten seconds;
  `min-replicas-to-write 1` closes that gap sooner. `inspect()` says what applies.
- Announcements reach whoever is subscribed at that moment, once or not at all, in a cluster on any node.

The least that a user of the server's access control list needs, for the namespace `zerotrust`:

    ACL SETUSER payments on >PASSWORD resetkeys ~zerotrust:* resetchannels &zerotrust:t:* -@all +info +set +get +del
        +evalsha +eval +hget +hset +hincrby +hgetall +hdel +pttl +pexpire +persist +publish +subscribe +ping

and further `+select` for another database than 0, `+cluster|slots +asking` in a cluster, and `+config|get` if
`inspect()` is to see how the server persists. A user of Sentinels needs `+sentinel|get-master-addr-by-name`.
"""

from zerotrust.stores.redis.asynchronous import AsyncRedisStore
from zerotrust.stores.redis.blocking import RedisStore

__all__ = ["AsyncRedisStore", "RedisStore"]

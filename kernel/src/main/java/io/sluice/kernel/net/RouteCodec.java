// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.net;

import static io.sluice.kernel.net.NetlinkSocket.NLM_F_ACK;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_CREATE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_DUMP;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_EXCL;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REPLACE;
import static io.sluice.kernel.net.NetlinkSocket.NLM_F_REQUEST;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.Ip;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Route messages (RTM_*ROUTE, struct rtmsg) to and from {@link Route}. */
final class RouteCodec {
  static final int RTM_NEWROUTE = 24;
  static final int RTM_DELROUTE = 25;
  private static final int RTM_GETROUTE = 26;

  private static final int HEADER = 12;
  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;
  private static final int RTA_PREFSRC = 7;
  private static final int RTA_MULTIPATH = 9;
  private static final int RTA_TABLE = 15;
  private static final int RTA_VIA = 18;
  private static final int RTM_F_CLONED = 0x200;
  private static final int RTNH_F_ONLINK = 4;
  private static final int RTNH_HEADER = 8;

  /** What fits into a request with room to spare. */
  static final int MOST_HOPS = 128;

  private RouteCodec() {}

  /** The route, or null for other families and for what the kernel only learned (exceptions). */
  static Route parse(NetlinkSocket.Message message) {
    ByteBuffer in = message.payload();
    if (in.remaining() < HEADER) {
      return null;
    }
    Family family = AddressFamily.parse(in.get(0) & 0xff);
    int flags = in.getInt(8);
    if (family == null || (flags & RTM_F_CLONED) != 0) {
      return null;
    }
    int prefix = in.get(1) & 0xff;
    int table = in.get(4) & 0xff;
    int protocol = in.get(5) & 0xff;
    int scope = in.get(6) & 0xff;
    int type = in.get(7) & 0xff;
    Attributes all = new Attributes(in.position(HEADER));
    List<Route.Hop> hops = hops(all.bytes(RTA_MULTIPATH));
    // IPv6 puts loopback into routes that lead nowhere.
    boolean nowhere = type >= Route.TYPE_BLACKHOLE && type <= Route.TYPE_THROW;
    Ip destination = all.has(RTA_DST) ? all.ip(RTA_DST) : Ip.any(family);
    return new Route(
        destination,
        prefix,
        type,
        gateway(all),
        nowhere ? 0 : all.u32(RTA_OIF, 0),
        all.u32(RTA_TABLE, table),
        protocol,
        scope,
        all.u32(RTA_PRIORITY, 0),
        all.ip(RTA_PREFSRC),
        (flags & RTNH_F_ONLINK) != 0,
        hops);
  }

  private static Ip gateway(Attributes attributes) {
    if (attributes.has(RTA_VIA)) {
      byte[] via = attributes.bytes(RTA_VIA);
      return via.length == 6 || via.length == 18
          ? Ip.of(Arrays.copyOfRange(via, 2, via.length))
          : null;
    }
    return attributes.ip(RTA_GATEWAY);
  }

  private static List<Route.Hop> hops(byte[] bytes) {
    List<Route.Hop> hops = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    while (in.remaining() >= RTNH_HEADER) {
      int start = in.position();
      int length = in.getShort(start) & 0xffff;
      if (length < RTNH_HEADER || length > in.remaining()) {
        break;
      }
      int weight = (in.get(start + 3) & 0xff) + 1;
      int ifindex = in.getInt(start + 4);
      ByteBuffer rest = in.slice(start + RTNH_HEADER, length - RTNH_HEADER);
      hops.add(new Route.Hop(ifindex, gateway(new Attributes(rest)), weight));
      in.position(Math.min(in.limit(), start + (length + 3 & ~3)));
    }
    return hops;
  }

  static MessageWriter dump(RouteFilter filter) {
    int table = filter.table();
    MessageWriter message =
        new MessageWriter(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP)
            .u8(AddressFamily.of(filter.family()))
            .u8(0)
            .u8(0)
            .u8(0)
            .u8(table < 256 ? table : 0)
            .u8(filter.protocol())
            .u8(0)
            .u8(0)
            .u32(0);
    if (table != 0) {
      message.attribute(RTA_TABLE, table);
    }
    if (filter.ifindex() != 0) {
      message.attribute(RTA_OIF, filter.ifindex());
    }
    return message;
  }

  static MessageWriter add(Route route, boolean replace) {
    int flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
    return body(new MessageWriter(RTM_NEWROUTE, flags), route);
  }

  static MessageWriter delete(Route route) {
    return body(new MessageWriter(RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK), route);
  }

  private static MessageWriter body(MessageWriter message, Route route) {
    if (route.hops().size() > MOST_HOPS) {
      throw new IllegalArgumentException(
          "route to "
              + route.destination()
              + " has "
              + route.hops().size()
              + " next hops; the most are "
              + MOST_HOPS);
    }
    message
        .u8(AddressFamily.of(route.family()))
        .u8(route.prefix())
        .u8(0)
        .u8(0)
        .u8(route.table() < 256 ? route.table() : 0)
        .u8(route.protocol())
        .u8(route.scope())
        .u8(route.type())
        .u32(route.onlink() ? RTNH_F_ONLINK : 0)
        .attribute(RTA_TABLE, route.table());
    if (route.prefix() > 0) {
      message.attribute(RTA_DST, route.destination());
    }
    if (route.priority() != 0) {
      message.attribute(RTA_PRIORITY, route.priority());
    }
    if (route.preferredSource() != null) {
      message.attribute(RTA_PREFSRC, route.preferredSource());
    }
    if (route.hops().isEmpty()) {
      hop(message, route.family(), route.gateway());
      return route.ifindex() == 0 ? message : message.attribute(RTA_OIF, route.ifindex());
    }
    int multipath = message.begin(RTA_MULTIPATH);
    for (Route.Hop hop : route.hops()) {
      int start = message.position();
      message.u16(0).u8(route.onlink() ? RTNH_F_ONLINK : 0).u8(hop.weight() - 1).u32(hop.ifindex());
      hop(message, route.family(), hop.gateway());
      message.shortAt(start, message.position() - start);
    }
    return message.end(multipath);
  }

  private static void hop(MessageWriter message, Family family, Ip gateway) {
    if (gateway == null) {
      return;
    }
    if (gateway.family() == family) {
      message.attribute(RTA_GATEWAY, gateway);
      return;
    }
    byte[] address = gateway.bytes();
    ByteBuffer via = ByteBuffer.allocate(2 + address.length).order(ByteOrder.nativeOrder());
    via.putShort((short) AddressFamily.of(gateway.family())).put(address);
    message.attribute(RTA_VIA, via.array());
  }
}

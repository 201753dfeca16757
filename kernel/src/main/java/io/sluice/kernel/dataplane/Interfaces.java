// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.dataplane;

import io.sluice.kernel.bpf.ClsactFilter;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.net.TcFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Questions about interfaces of the caller's network namespace. Thread-safe. */
final class Interfaces {
  private Interfaces() {}

  /** 0: there is no such interface. */
  static int index(String name) {
    try (Netlink netlink = Netlink.open()) {
      return netlink.link(name).map(Link::index).orElse(0);
    }
  }

  static Optional<String> name(int ifindex) {
    try (Netlink netlink = Netlink.open()) {
      return netlink.link(ifindex).map(Link::name);
    }
  }

  /** All filters on an interface's clsact, ours included. */
  static List<TcFilter> clsactFilters(int ifindex) {
    try (Netlink netlink = Netlink.open()) {
      List<TcFilter> filters = new ArrayList<>(netlink.clsactFilters(ifindex, true));
      filters.addAll(netlink.clsactFilters(ifindex, false));
      return filters;
    }
  }

  static boolean isOurs(TcFilter filter) {
    return filter.priority() == ClsactFilter.PRIORITY && filter.handle() == ClsactFilter.HANDLE;
  }
}

// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.program;

import io.sluice.bench.place.Unnamed;
import io.sluice.kernel.net.Link;
import io.sluice.kernel.net.Netlink;
import io.sluice.kernel.sys.Netns;
import java.io.IOException;
import java.util.concurrent.Callable;

/**
 * A network namespace without a name, and the one device in it that packets are said to come by:
 * loopback, which every namespace has, is not like others to the programs. It goes with the
 * descriptor, also when the process is killed.
 */
final class Place implements AutoCloseable {
  private static final String DEVICE = "here";

  private final Netns namespace;
  private final int ifindex;

  private Place(Netns namespace, int ifindex) {
    this.namespace = namespace;
    this.ifindex = ifindex;
  }

  /** Makes it. */
  static Place make() throws IOException {
    Netns namespace = Unnamed.namespace();
    try (Netlink netlink = Netlink.open(namespace)) {
      Link device = netlink.createVeth(DEVICE, 1500, "there");
      return new Place(namespace, device.index());
    }
  }

  /** The device. */
  int ifindex() {
    return ifindex;
  }

  /** Runs something there. */
  <T> T run(Callable<T> work) {
    return namespace.run(work);
  }

  @Override
  public void close() {
    namespace.close();
  }
}

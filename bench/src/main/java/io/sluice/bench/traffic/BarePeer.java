// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.bench.traffic.Site.Sender;

/** No service: the kernel routes to a pod's own address, and knows no connections. */
final class BarePeer implements Peer {
  private final Site site;

  BarePeer(Site site) {
    this.site = site;
    site.routeByKernel();
  }

  @Override
  public String name() {
    return "bare";
  }

  @Override
  public Site site() {
    return site;
  }

  @Override
  public void apply(Services services) {
    // The number of services is nothing to it: it is measured again for the others' sake.
  }

  @Override
  public Target target(Services services, Sender sender) {
    return new Target(site.backends().get(0), Services.TARGET_PORT);
  }
}

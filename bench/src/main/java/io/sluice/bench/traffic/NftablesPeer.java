// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench.traffic;

import io.sluice.kernel.nft.NftException;
import io.sluice.kernel.nft.Nftables;
import io.sluice.lab.Addresses;

/** kube-proxy's rules in its nftables mode, over the kernel's routes. */
final class NftablesPeer implements Peer {
  private final Site site;

  NftablesPeer(Site site) {
    this.site = site;
    site.routeByKernel();
  }

  @Override
  public String name() {
    return "nftables";
  }

  @Override
  public Site site() {
    return site;
  }

  @Override
  public void apply(Services services) throws Unavailable {
    String rules =
        NftablesRules.of(
            services, site.nodeAddress(), Addresses.POD_POOL4, Addresses.SERVICE_CIDR4);
    try (Nftables nftables = site.onNode(Nftables::open)) {
      nftables.apply(rules);
    } catch (NftException e) {
      throw new Unavailable(e.getMessage());
    }
  }
}

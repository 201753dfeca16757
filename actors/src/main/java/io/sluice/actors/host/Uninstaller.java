// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import java.util.ArrayList;
import java.util.List;

/**
 * Takes what the agent put into the host's network away again: routes, tables, addresses and
 * settings (AG-4). Works from the kernel and the {@link HostLedger} alone, so it needs no agent; no
 * agent may run meanwhile. Run it after the programs are detached and the maps are gone.
 */
public final class Uninstaller {
  private final HostNet net;
  private final HostSettings settings;
  private final Runnable dropTable;

  /**
   * @param settings over the data folder's ledger
   * @param dropTable removes the agent's nftables table, if it is there
   */
  public Uninstaller(HostNet net, HostSettings settings, Runnable dropTable) {
    this.net = net;
    this.settings = settings;
    this.dropTable = dropTable;
  }

  /**
   * Does all of it, as far as it goes.
   *
   * @return what could not be taken back, a line each; empty if the host is as it was found
   */
  public List<String> run() {
    List<String> left = new ArrayList<>();
    attempt("routes", left, () -> net.routes().forEach(net::removeRoute));
    attempt("bandwidths", left, () -> Shaping.removeAll(net));
    attempt("tunnel", left, () -> TunnelDevice.remove(net));
    attempt("host settings", left, () -> left.addAll(settings.restoreAll()));
    attempt("nftables", left, dropTable);
    return left;
  }

  private static void attempt(String what, List<String> left, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      left.add(what + ": " + e.getMessage());
    }
  }
}

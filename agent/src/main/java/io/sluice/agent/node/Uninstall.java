// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.actors.host.HostLedger;
import io.sluice.actors.host.HostSettings;
import io.sluice.actors.host.NetlinkHostNet;
import io.sluice.actors.host.ProcSysctls;
import io.sluice.actors.host.Uninstaller;
import io.sluice.actors.tables.LibNftables;
import io.sluice.kernel.bpf.KernelException;
import io.sluice.kernel.dataplane.DataplaneLoader;
import io.sluice.kernel.sys.InstanceLock;
import io.sluice.kernel.sys.Mounts;
import io.sluice.kernel.sys.Privileges;
import java.nio.file.Path;
import java.util.List;

/** Takes everything away that agents have put on this node (AG-4). Doing it again does nothing. */
public final class Uninstall {
  private final Path bpffs;
  private final DataDir data;

  /**
   * @param bpffs where the dataplane is pinned
   * @param dataDir the agent's data folder
   */
  public Uninstall(Path bpffs, Path dataDir) {
    this.bpffs = bpffs;
    this.data = new DataDir(dataDir);
  }

  /**
   * Does all of it, in the network namespace of the caller.
   *
   * @param purge delete the data folder too
   * @return what could not be taken back, a line each
   * @throws NodeException if an agent runs, or privilege is missing
   */
  public List<String> run(boolean purge) {
    Privileges.complaint()
        .ifPresent(
            complaint -> {
              throw new NodeException(complaint);
            });
    if (!data.exists()) {
      removeDataplane();
      return List.of();
    }
    List<String> left;
    InstanceLock lock = data.take();
    try {
      left = underLock();
    } finally {
      lock.close();
    }
    if (purge && left.isEmpty()) {
      data.purge();
    }
    return left;
  }

  private List<String> underLock() {
    removeDataplane();
    List<String> left;
    try (HostLedger ledger = HostLedger.open(data.path());
        NetlinkHostNet net = NetlinkHostNet.open()) {
      HostSettings settings = new HostSettings(net, new ProcSysctls(), ledger);
      left = new Uninstaller(net, settings, LibNftables.here()::drop).run();
    }
    data.removeBpffs(bpffs);
    return left;
  }

  private void removeDataplane() {
    if (!Mounts.isBpffs(bpffs)) {
      return;
    }
    try {
      DataplaneLoader.uninstall(bpffs);
    } catch (KernelException e) {
      throw new NodeException(e.getMessage(), e);
    }
  }
}

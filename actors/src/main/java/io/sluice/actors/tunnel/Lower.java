// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tunnel;

import akka.Done;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.host.TunnelDevice;
import io.sluice.actors.interfaces.InterfaceHost;
import io.sluice.actors.maps.NodeElement;
import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Takes the tunnel away, when no route leads into it any more: the reverse of {@link Raise}. */
final class Lower {
  private Lower() {}

  static CompletionStage<Done> walk(Raise.Host host) {
    return host.node()
        .tunnel(NodeElement.Tunnel.NONE)
        .thenApplyAsync(news -> TunnelDevice.remove(host.net()), host.kernel())
        .thenCompose(removed -> host.interfaces().elements())
        .thenCompose(elements -> forgetAll(host.interfaces(), elements));
  }

  private static CompletionStage<Done> forgetAll(InterfaceHost host, Map<Integer, Iface> elements) {
    CompletionStage<Done> done = CompletableFuture.completedFuture(Done.getInstance());
    for (Map.Entry<Integer, Iface> found : elements.entrySet()) {
      if ((found.getValue().flags() & IfaceFlags.IFACE_TUNNEL) != 0) {
        Nic nic = new Nic(found.getKey(), found.getValue().name(), false);
        done = done.thenCompose(ok -> forget(host, nic));
      }
    }
    return done;
  }

  /** Drops what is left of a device that is gone. */
  static CompletionStage<Done> forget(InterfaceHost host, Nic gone) {
    return host.detach(gone)
        .thenCompose(done -> host.removeElement(gone))
        .thenCompose(done -> host.restore(gone, false));
  }
}

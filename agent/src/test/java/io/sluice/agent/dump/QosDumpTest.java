// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.layout.Iface;
import io.sluice.kernel.layout.IfaceFlags;
import io.sluice.kernel.layout.Ip;
import io.sluice.kernel.layout.QosDscp;
import io.sluice.kernel.layout.QosKey;
import io.sluice.kernel.layout.QosLimit;
import io.sluice.kernel.layout.QosUse;
import io.sluice.kernel.layout.SluiceHook;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class QosDumpTest {
  private final MemoryDataplane dataplane = new MemoryDataplane();

  @Test
  @Tag("INV-QOS-1")
  void itTellsWhatIsAllowedAndWhatIsUsed() {
    dataplane
        .ifaces()
        .put(7, new Iface(IfaceFlags.IFACE_CONFIGURED, 1, 1, 0, 0, Ip.ANY4, Ip.ANY6, "cali7", 0));
    QosKey egress = new QosKey(7, SluiceHook.HOOK_IN);
    int ef = QosDscp.QOS_DSCP_SET | 46;
    dataplane.qosLimits().put(egress, new QosLimit(100, 20, 125_000, 1000, 3, -1, ef, 0));
    dataplane.qosUse().put(egress, new QosUse(9, 6, 4, 1, 2_500_000_000L, 5, 1, 0, 6));
    QosKey ingress = new QosKey(7, SluiceHook.HOOK_OUT);
    dataplane.qosLimits().put(ingress, new QosLimit(0, 0, 500, 100, -1, 0, 0, 1));
    assertThat(new QosDump(dataplane).rows())
        .containsExactly(
            new Rows.QosEntry(
                "cali7", "egress", 100, 20, 2.5, 1_000_000, 8000, "programs", 2, 3, "46", 5, 6, 4),
            new Rows.QosEntry(
                "cali7", "ingress", 0, 0, 0, 4000, 800, "tbf", 0, 4294967295L, "", 0, 0, 0));
  }
}

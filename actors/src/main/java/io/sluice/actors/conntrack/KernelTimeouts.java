// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.conntrack;

import io.sluice.actors.host.Sysctls;
import io.sluice.config.settings.ConntrackTimeouts;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The time-outs in force: what the settings give, and for {@code Auto} what kernel conntrack of
 * this namespace has now, or would have by default where it is not loaded. Asked anew before each
 * scan.
 */
public final class KernelTimeouts implements Supplier<Timeouts> {
  private static final String FOLDER = "net/netfilter/nf_conntrack_";

  private final ConntrackTimeouts settings;
  private final Sysctls sysctls;

  public KernelTimeouts(ConntrackTimeouts settings, Sysctls sysctls) {
    this.settings = settings;
    this.sysctls = sysctls;
  }

  @Override
  public Timeouts get() {
    return new Timeouts(
        settings.creationGracePeriod().orElse(Timeouts.DEFAULTS.creationGrace()),
        or(settings.tcpSynSent(), "tcp_timeout_syn_sent", 120),
        or(settings.tcpEstablished(), "tcp_timeout_established", 432_000),
        or(settings.tcpFinsSeen(), "tcp_timeout_time_wait", 120),
        or(settings.tcpResetSeen(), "tcp_timeout_close", 10),
        or(settings.udpTimeout(), "udp_timeout", 30),
        or(settings.icmpTimeout(), "icmp_timeout", 30),
        or(settings.genericTimeout(), "generic_timeout", 600));
  }

  private Duration or(Optional<Duration> given, String sysctl, int defaultSeconds) {
    return given.orElseGet(
        () ->
            sysctls
                .read(FOLDER + sysctl)
                .filter(value -> value.matches("[0-9]{1,10}"))
                .map(value -> Duration.ofSeconds(Long.parseLong(value)))
                .orElse(Duration.ofSeconds(defaultSeconds)));
  }
}

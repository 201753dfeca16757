// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import static io.sluice.config.settings.Setting.ignored;
import static io.sluice.config.settings.Setting.used;
import static io.sluice.config.settings.Values.address;
import static io.sluice.config.settings.Values.bool;
import static io.sluice.config.settings.Values.choice;
import static io.sluice.config.settings.Values.cidr;
import static io.sluice.config.settings.Values.conntrackTimeouts;
import static io.sluice.config.settings.Values.duration;
import static io.sluice.config.settings.Values.failsafePort;
import static io.sluice.config.settings.Values.integer;
import static io.sluice.config.settings.Values.interfaceName;
import static io.sluice.config.settings.Values.list;
import static io.sluice.config.settings.Values.map;
import static io.sluice.config.settings.Values.number;
import static io.sluice.config.settings.Values.optional;
import static io.sluice.config.settings.Values.portRange;
import static io.sluice.config.settings.Values.regex;
import static io.sluice.config.settings.Values.text;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.PortRange;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The table of Felix's settings. */
public final class FelixSettings {
  /** The bits of packet marks that are the dataplane's own (MARK_MASK in bpf-c's marks.h). */
  public static final long RESERVED_MARKS = 0x1ff00000L;

  /** The virtual network that is never the overlay's (TUNNEL_VNI_FORWARD in bpf-c's route.h). */
  public static final int FORWARDING_VNI = 0xfffffe;

  private static final int PORT_MAX = PortRange.MAX;
  private static final int ENTRIES_MAX = 1 << 30;
  private static final long U32_MAX = 0xffffffffL;
  private static final String HOST_INTERFACES =
      "^((en|wl|ww|sl|ib)[Popsx].*|(eth|wlan|wwan|bond).*)";

  // Interfaces and attaching.
  public static final Setting<Pattern> DATA_IFACE_PATTERN =
      used("bpfDataIfacePattern", regex(), HOST_INTERFACES);
  public static final Setting<Optional<Pattern>> L3_IFACE_PATTERN =
      ignored("bpfL3IfacePattern", optional(regex()), "");
  public static final Setting<List<String>> INTERFACE_PREFIX =
      used("interfacePrefix", list(interfaceName()), "cali");
  public static final Setting<Choices.AttachType> ATTACH_TYPE =
      used("bpfAttachType", choice(Choices.AttachType.class), "Netkit");
  public static final Setting<Choices.RedirectToPeer> REDIRECT_TO_PEER =
      used("bpfRedirectToPeer", choice(Choices.RedirectToPeer.class), "Enabled");
  public static final Setting<Optional<Pattern>> DISABLE_GRO =
      ignored("bpfDisableGROForIfaces", optional(regex()), "");

  // What the programs say.
  public static final Setting<Choices.LogLevel> LOG_LEVEL =
      used("bpfLogLevel", choice(Choices.LogLevel.class), "Off");
  public static final Setting<Choices.LogLevel> CONNTRACK_LOG_LEVEL =
      ignored("bpfConntrackLogLevel", choice(Choices.LogLevel.class), "Off");
  public static final Setting<Map<String, String>> LOG_FILTERS =
      ignored("bpfLogFilters", map(), "");
  public static final Setting<String> CTLB_LOG_FILTER = ignored("bpfCTLBLogFilter", text(), "");
  public static final Setting<Integer> EXPORT_BUFFER_SIZE_MB =
      ignored("bpfExportBufferSizeMB", integer(1, 1024), "1");
  public static final Setting<Boolean> POLICY_DEBUG = used("bpfPolicyDebugEnabled", bool(), "true");

  // Services.
  public static final Setting<Choices.ConnectTime> CONNECT_TIME =
      ignored("bpfConnectTimeLoadBalancing", choice(Choices.ConnectTime.class), "TCP");
  public static final Setting<Choices.Toggle> HOST_NETWORKED_NAT =
      ignored("bpfHostNetworkedNATWithoutCTLB", choice(Choices.Toggle.class), "Enabled");
  public static final Setting<Choices.ExternalServiceMode> EXTERNAL_SERVICE_MODE =
      used("bpfExternalServiceMode", choice(Choices.ExternalServiceMode.class), "Tunnel");
  public static final Setting<List<Cidr>> DSR_OPTOUT_CIDRS =
      used("bpfDSROptoutCIDRs", list(cidr()), "");
  public static final Setting<PortRange> PSNAT_PORTS =
      used("bpfPSNATPorts", portRange(), "20000:29999");
  public static final Setting<List<Cidr>> EXCLUDE_CIDRS_FROM_NAT =
      ignored("bpfExcludeCIDRsFromNAT", list(cidr()), "").refusing(nets -> !nets.isEmpty());
  public static final Setting<Long> EXT_TO_SERVICE_CONNMARK =
      ignored("bpfExtToServiceConnmark", number(0, U32_MAX), "0").refusing(mark -> mark != 0);
  public static final Setting<Duration> MIN_SYNC_PERIOD =
      ignored("bpfKubeProxyMinSyncPeriod", duration(), "1s");
  public static final Setting<Integer> HEALTHZ_PORT =
      used("bpfKubeProxyHealthzPort", integer(0, PORT_MAX), "10256");
  public static final Setting<Integer> MAGLEV_MAX_SERVICES =
      used("bpfMaglevMaxServices", integer(1, 3000), "100");
  public static final Setting<Integer> MAGLEV_MAX_ENDPOINTS =
      used("bpfMaglevMaxEndpointsPerService", integer(1, 3000), "100");

  // What may pass.
  public static final Setting<Choices.Rpf> ENFORCE_RPF =
      used("bpfEnforceRPF", choice(Choices.Rpf.class), "Loose");
  public static final Setting<List<String>> FORCE_TRACK_IFACES =
      used("bpfForceTrackPacketsFromIfaces", list(interfaceName()), "docker+");
  public static final Setting<Boolean> HOST_CONNTRACK_BYPASS =
      ignored("bpfHostConntrackBypass", bool(), "false");
  public static final Setting<Choices.Spoofing> SOURCE_SPOOFING =
      used("workloadSourceSpoofing", choice(Choices.Spoofing.class), "Disabled");
  public static final Setting<Choices.HostAction> ENDPOINT_TO_HOST_ACTION =
      used("defaultEndpointToHostAction", choice(Choices.HostAction.class), "Drop");
  public static final Setting<Choices.EstablishedFlows> ESTABLISHED_FLOWS =
      used("policyEstablishedFlows", choice(Choices.EstablishedFlows.class), "Keep");
  public static final Setting<List<FailsafePort>> FAILSAFE_INBOUND =
      used(
          "failsafeInboundHostPorts",
          list(failsafePort()),
          "tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667");
  public static final Setting<List<FailsafePort>> FAILSAFE_OUTBOUND =
      used(
          "failsafeOutboundHostPorts",
          list(failsafePort()),
          "udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667");

  /**
   * The marks that *tables* may use. By default all of Felix's that are not the dataplane's; a mask
   * that somebody writes must say the same (PATH-2).
   */
  public static final Setting<Long> MARK_MASK =
      used("iptablesMarkMask", Values.markMask(RESERVED_MARKS), "0xe00f0000");

  /** Felix's mask for nftables, of which the same holds. */
  public static final Setting<Long> NFTABLES_MARK_MASK =
      ignored("nftablesMarkMask", Values.markMask(RESERVED_MARKS), "0xe00f0000");

  /** Without encryption where somebody asked for it, their traffic would be in the clear. */
  public static final Setting<Boolean> WIREGUARD =
      ignored("wireguardEnabled", bool(), "false").refusing(enabled -> enabled);

  public static final Setting<Boolean> WIREGUARD_V6 =
      ignored("wireguardEnabledV6", bool(), "false").refusing(enabled -> enabled);

  // Fragments and flow state.
  public static final Setting<Boolean> FRAGMENT_REASSEMBLY =
      ignored("bpfIPFragmentReassemblyEnabled", bool(), "true");
  public static final Setting<Optional<Duration>> FRAGMENT_TIMEOUT =
      ignored("bpfIPFragTimeout", optional(duration()), "");
  public static final Setting<ConntrackTimeouts> CONNTRACK_TIMEOUTS =
      used("bpfConntrackTimeouts", conntrackTimeouts(), "");
  public static final Setting<Choices.ConntrackMode> CONNTRACK_MODE =
      used("bpfConntrackMode", choice(Choices.ConntrackMode.class), "Auto");

  // Sizes of maps, in entries.
  public static final Setting<Integer> SIZE_CONNTRACK =
      used("bpfMapSizeConntrack", integer(1, ENTRIES_MAX), "512000");
  public static final Setting<Integer> SIZE_NAT_FRONTEND =
      used("bpfMapSizeNATFrontend", integer(1, ENTRIES_MAX), "65536");
  public static final Setting<Integer> SIZE_NAT_BACKEND =
      used("bpfMapSizeNATBackend", integer(1, ENTRIES_MAX), "262144");
  public static final Setting<Integer> SIZE_NAT_AFFINITY =
      used("bpfMapSizeNATAffinity", integer(1, ENTRIES_MAX), "65536");
  public static final Setting<Integer> SIZE_ROUTE =
      used("bpfMapSizeRoute", integer(1, ENTRIES_MAX), "262144");
  public static final Setting<Integer> SIZE_IP_SETS =
      used("bpfMapSizeIPSets", integer(1, ENTRIES_MAX), "1048576");
  public static final Setting<Integer> SIZE_IF_STATE =
      used("bpfMapSizeIfState", integer(1, ENTRIES_MAX), "1000");
  public static final Setting<Integer> SIZE_CLEANUP_QUEUE =
      ignored("bpfMapSizeConntrackCleanupQueue", integer(1, ENTRIES_MAX), "100000");
  public static final Setting<Choices.Scaling> CONNTRACK_SCALING =
      ignored("bpfMapSizeConntrackScaling", choice(Choices.Scaling.class), "DoubleIfFull");

  // The kernel's own settings.
  public static final Setting<Boolean> DISABLE_UNPRIVILEGED =
      ignored("bpfDisableUnprivileged", bool(), "true");
  public static final Setting<Choices.JitHardening> JIT_HARDENING =
      ignored("bpfJITHardening", choice(Choices.JitHardening.class), "Auto");

  // Overlay and leaving the cluster.
  public static final Setting<Choices.OverlaySource> OVERLAY_SOURCE =
      used("bpfOverlayHostSourceIP", choice(Choices.OverlaySource.class), "TunnelAddress");
  public static final Setting<Integer> VXLAN_PORT = used("vxlanPort", integer(1, PORT_MAX), "4789");
  public static final Setting<Integer> VXLAN_VNI =
      used("vxlanVNI", Values.overlayVni(FORWARDING_VNI), "4096");
  public static final Setting<Integer> VXLAN_MTU = used("vxlanMTU", integer(0, 65535), "0");
  public static final Setting<Integer> VXLAN_MTU_V6 = used("vxlanMTUV6", integer(0, 65535), "0");
  public static final Setting<Pattern> MTU_IFACE_PATTERN =
      used("mtuIfacePattern", regex(), HOST_INTERFACES);
  public static final Setting<Choices.NatExclusions> NAT_OUTGOING_EXCLUSIONS =
      ignored("natOutgoingExclusions", choice(Choices.NatExclusions.class), "IPPoolsOnly");
  public static final Setting<Optional<PortRange>> NAT_PORT_RANGE =
      ignored("natPortRange", optional(portRange()), "");
  public static final Setting<Optional<IpAddress>> NAT_OUTGOING_ADDRESS =
      ignored("natOutgoingAddress", optional(address()), "");
  public static final Setting<Choices.Toggle> ISTIO_AMBIENT_MODE =
      ignored("istioAmbientMode", choice(Choices.Toggle.class), "Disabled");
  public static final Setting<Integer> ISTIO_DSCP_MARK =
      ignored("istioDSCPMark", integer(0, 63), "23");

  private static final Map<String, Setting<?>> BY_NAME = collect();

  private FelixSettings() {}

  /** All settings, in the order of their names. */
  public static Collection<Setting<?>> all() {
    return BY_NAME.values();
  }

  /** The setting of exactly that name. */
  public static Optional<Setting<?>> find(String name) {
    return Optional.ofNullable(BY_NAME.get(name));
  }

  /** The setting of that name in any case, as the environment has it. */
  static Optional<Setting<?>> findInAnyCase(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    return BY_NAME.values().stream()
        .filter(s -> s.name().toLowerCase(Locale.ROOT).equals(wanted))
        .findFirst();
  }

  private static Map<String, Setting<?>> collect() {
    Map<String, Setting<?>> settings = new TreeMap<>();
    for (Field field : FelixSettings.class.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) && field.getType() == Setting.class) {
        try {
          Setting<?> setting = (Setting<?>) field.get(null);
          settings.put(setting.name(), setting);
        } catch (IllegalAccessException e) {
          throw new IllegalStateException("own field cannot be read: " + field, e);
        }
      }
    }
    return Collections.unmodifiableMap(settings);
  }
}

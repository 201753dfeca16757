// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.config.model.FelixConfiguration;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Problem;
import io.sluice.config.model.RawValue;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The agent's file, environment and resources. */
class SettingsTest {
  private static final String MINIMAL = "sluice { node-name = node1, source.path = /m ";

  @TempDir Path folder;

  private AgentConfig load(String text, Map<String, String> environment)
      throws IOException, SettingsException {
    Path file = Files.writeString(folder.resolve("agent.conf"), text);
    return AgentConfig.load(Optional.of(file), environment);
  }

  private static Map<ResourceKey, Resource> felix(String... nameAndLevel) {
    Map<ResourceKey, Resource> resources = new HashMap<>();
    for (int i = 0; i < nameAndLevel.length; i += 2) {
      FelixConfiguration felix =
          new FelixConfiguration(
              ObjectMeta.of("", nameAndLevel[i]),
              Map.of("bpfLogLevel", new RawValue.Scalar(nameAndLevel[i + 1])));
      resources.put(felix.key(), felix);
    }
    return resources;
  }

  @Test
  void theStrongestLayerWinsAndIsNamed() throws Exception {
    Map<ResourceKey, Resource> both = felix("default", "Info", "node.node1", "Debug");
    Map<String, String> environment = Map.of("FELIX_BPFLOGLEVEL", "off");

    Settings file = load(MINIMAL + "\n bpfLogLevel = info }", environment).settings(both);
    assertThat(file.get(FelixSettings.LOG_LEVEL)).isEqualTo(Choices.LogLevel.INFO);
    assertThat(file.origin(FelixSettings.LOG_LEVEL)).hasToString(folder + "/agent.conf:2");

    Settings variable = load(MINIMAL + "}", environment).settings(both);
    assertThat(variable.get(FelixSettings.LOG_LEVEL)).isEqualTo(Choices.LogLevel.OFF);
    assertThat(variable.origin(FelixSettings.LOG_LEVEL))
        .hasToString("environment FELIX_BPFLOGLEVEL");

    AgentConfig alone = load(MINIMAL + "}", Map.of());
    assertThat(alone.settings(both).get(FelixSettings.LOG_LEVEL)).isEqualTo(Choices.LogLevel.DEBUG);
    assertThat(alone.settings(both).origin(FelixSettings.LOG_LEVEL))
        .hasToString("FelixConfiguration node.node1");
    assertThat(
            alone
                .settings(felix("default", "Info", "node.other", "Debug"))
                .get(FelixSettings.LOG_LEVEL))
        .isEqualTo(Choices.LogLevel.INFO);

    Settings none = alone.settings(Map.of());
    assertThat(none.get(FelixSettings.LOG_LEVEL)).isEqualTo(Choices.LogLevel.OFF);
    assertThat(none.origin(FelixSettings.LOG_LEVEL)).hasToString("default");
    assertThat(none).isEqualTo(Settings.DEFAULTS);
  }

  @Test
  void theAgentsOwnKeysHaveDefaults() throws Exception {
    AgentKeys keys = load("sluice { source { type = file, path = /m } }", Map.of()).keys();

    assertThat(keys.nodeName()).isNotEmpty();
    assertThat(keys.sourcePath()).contains(Path.of("/m"));
    assertThat(keys.bpffs()).isEqualTo(Path.of("/sys/fs/bpf"));
    assertThat(keys.dataDir()).isEqualTo(Path.of("/var/lib/sluice"));
    assertThat(keys.management().host()).isEqualTo("127.0.0.1");
    assertThat(keys.management().port()).isEqualTo(8558);
  }

  @Test
  void valuesCanBeListsAndMaps() throws Exception {
    Settings settings =
        load(
                MINIMAL
                    + ", interfacePrefix = [cali, veth], bpfConntrackTimeouts { udpTimeout = 90s },"
                    + " bpfPSNATPorts = \"30000:30999\" }",
                Map.of("FELIX_FAILSAFEINBOUNDHOSTPORTS", "tcp:22,udp:[fd00::/8]:53,443"))
            .settings(Map.of());

    assertThat(settings.get(FelixSettings.INTERFACE_PREFIX)).containsExactly("cali", "veth");
    ConntrackTimeouts timeouts = settings.get(FelixSettings.CONNTRACK_TIMEOUTS);
    assertThat(timeouts.udpTimeout()).contains(Duration.ofSeconds(90));
    assertThat(timeouts.tcpEstablished()).contains(Duration.ofHours(1));
    assertThat(timeouts.tcpFinsSeen()).isEmpty();
    assertThat(settings.get(FelixSettings.PSNAT_PORTS)).isEqualTo(new PortRange(30000, 30999));
    assertThat(settings.get(FelixSettings.FAILSAFE_INBOUND))
        .extracting(Object::toString)
        .containsExactly("tcp:22", "udp:[fd00::/8]:53", "tcp:443");
  }

  @Test
  void whatPolicyIsToldBySettings() throws Exception {
    AgentConfig config =
        load(
            MINIMAL
                + ", policyEstablishedFlows = end, bpfPolicyDebugEnabled = false,"
                + " defaultEndpointToHostAction = Accept, workloadSourceSpoofing = Any,"
                + " bpfForceTrackPacketsFromIfaces = [\"docker+\", virbr0], bpfMapSizeIPSets = 4096,"
                + " failsafeInboundHostPorts = none, failsafeOutboundHostPorts = \"udp:53\" }",
            Map.of());
    Settings settings = config.settings(Map.of());

    assertThat(settings.get(FelixSettings.ESTABLISHED_FLOWS))
        .isEqualTo(Choices.EstablishedFlows.END);
    assertThat(FelixSettings.ESTABLISHED_FLOWS.defaultValue())
        .isEqualTo(Choices.EstablishedFlows.KEEP);
    assertThat(settings.get(FelixSettings.POLICY_DEBUG)).isFalse();
    assertThat(settings.get(FelixSettings.ENDPOINT_TO_HOST_ACTION))
        .isEqualTo(Choices.HostAction.ACCEPT);
    assertThat(settings.get(FelixSettings.SOURCE_SPOOFING)).isEqualTo(Choices.Spoofing.ANY);
    assertThat(settings.get(FelixSettings.FORCE_TRACK_IFACES)).containsExactly("docker+", "virbr0");
    assertThat(settings.get(FelixSettings.SIZE_IP_SETS)).isEqualTo(4096);
    assertThat(settings.get(FelixSettings.FAILSAFE_INBOUND)).isEmpty();
    assertThat(settings.get(FelixSettings.FAILSAFE_OUTBOUND)).hasSize(1);
    assertThat(config.problems()).as("all of them count").isEmpty();
  }

  record Case(String text, String problem) {
    @Override
    public String toString() {
      return text;
    }
  }

  static Stream<Case> refusals() {
    return Stream.of(
        new Case(
            MINIMAL + ", bpfLogLevl = Off }",
            ":1: bpfLogLevl: is not a setting, did you mean bpfLogLevel?"),
        new Case(
            MINIMAL + ", nodename = a }",
            ":1: nodename: is not a setting, did you mean node-name?"),
        new Case(MINIMAL + ", frobnicate = 1 }", ":1: frobnicate: is not a setting"),
        new Case(
            MINIMAL + ", bpfLogLevel = Loud }",
            ":1: bpfLogLevel: \"Loud\" is none of Off, Info, Debug"),
        new Case(
            MINIMAL + ", bpfAttachType = XDP }",
            ":1: bpfAttachType: \"XDP\" is none of TC, TCX, Netkit"),
        new Case(
            MINIMAL + ", bpfRedirectToPeer = L3Only }",
            ":1: bpfRedirectToPeer: \"L3Only\" is none of Disabled, Enabled, L2Only"),
        new Case(
            MINIMAL + ", bpfConntrackMode = No }",
            ":1: bpfConntrackMode: \"No\" is none of Auto, Userspace, BPFProgram"),
        new Case(
            MINIMAL + ", natOutgoingExclusions = x }",
            ":1: natOutgoingExclusions: \"x\" is none of IPPoolsOnly, IPPoolsAndHostIPs"),
        new Case(
            MINIMAL + ", bpfPSNATPorts = 20000-29999 }",
            ":1: bpfPSNATPorts: \"20000-29999\" is not a port range, write first:last"),
        new Case(
            MINIMAL + ", bpfDataIfacePattern = \"(\" }",
            ":1: bpfDataIfacePattern: \"(\" is not a regular expression: Unclosed group"),
        new Case(
            MINIMAL + ", bpfKubeProxyMinSyncPeriod = soon }",
            ":1: bpfKubeProxyMinSyncPeriod: \"soon\" is not a duration, write 90s, 5m or 1h30m"),
        new Case(
            MINIMAL + ", bpfMapSizeConntrack = 0 }",
            ":1: bpfMapSizeConntrack: 0 is not in 1..1073741824"),
        new Case(
            MINIMAL + ", bpfMapSizeConntrack = many }",
            ":1: bpfMapSizeConntrack: \"many\" is not a whole number"),
        new Case(
            MINIMAL + ", bpfDisableUnprivileged = perhaps }",
            ":1: bpfDisableUnprivileged: \"perhaps\" is neither true nor false"),
        new Case(
            MINIMAL + ", bpfDSROptoutCIDRs = \"10.0.0.1/8\" }",
            ":1: bpfDSROptoutCIDRs: 10.0.0.1/8 has host bits set, write 10.0.0.0/8"),
        new Case(
            MINIMAL + ", bpfExcludeCIDRsFromNAT = \"10.0.0.0/8\" }",
            ":1: bpfExcludeCIDRsFromNAT: \"10.0.0.0/8\" is not supported by this version, write nothing"),
        new Case(
            MINIMAL + ", bpfEnforceRPF = Maybe }",
            ":1: bpfEnforceRPF: \"Maybe\" is none of Disabled, Strict, Loose"),
        new Case(
            MINIMAL + ", wireguardEnabled = true }",
            ":1: wireguardEnabled: \"true\" is not supported by this version, write false"),
        new Case(
            MINIMAL + ", bpfConntrackTimeouts { tcp = 1s } }",
            ":1: bpfConntrackTimeouts: has no timeout \"tcp\""),
        new Case(
            MINIMAL + ", bpfConntrackTimeouts = [1] }",
            ":1: bpfConntrackTimeouts: is a list, not a map"),
        new Case(MINIMAL + ", vxlanPort = [1] }", ":1: vxlanPort: is a list, not one value"),
        new Case(
            MINIMAL + ", log-level = loud }",
            ":1: log-level: \"loud\" is none of error, warn, info, debug"),
        new Case(
            MINIMAL + ", management.port = 70000 }",
            ":1: management.port: 70000 is not in 0..65535"),
        new Case(
            MINIMAL + ", management = 1 }", ":1: management: is a section, write management { … }"),
        new Case(
            "sluice { source.path = /m, node-name = \"A B\" }",
            ":1: node-name: \"A B\" is not a node name: lower-case letters, digits, - and ."),
        new Case(
            "sluice { node-name = a, source { type = etcd, path = /m } }",
            ":1: source.type: \"etcd\" is none of file, cluster"),
        new Case(
            "sluice { node-name = a }", ": source.path: is missing, name the folder of manifests"),
        new Case(
            "{ node-name = a",
            ":1: is not HOCON: Expecting close brace } or a comma, got end of file"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refusesWithOneLine(Case c) {
    SettingsException e =
        catchThrowableOfType(SettingsException.class, () -> load(c.text(), Map.of()));

    assertThat(e).hasMessage(folder + "/agent.conf" + c.problem());
  }

  @Test
  @Tag("INV-PATH-2")
  void refusesAMaskThatOverlapsTheDataplanesMarks() {
    for (String name : List.of("iptablesMarkMask", "nftablesMarkMask")) {
      SettingsException e =
          catchThrowableOfType(
              SettingsException.class,
              () -> load(MINIMAL + ", " + name + " = \"0x00300000\" }", Map.of()));

      assertThat(e)
          .hasMessage(
              folder
                  + "/agent.conf:1: "
                  + name
                  + ": 0x00300000 overlaps 0x1ff00000, the marks of the dataplane,"
                  + " write 0x00000000");
    }
    assertThat(FelixSettings.MARK_MASK.defaultValue() & FelixSettings.RESERVED_MARKS).isZero();
  }

  @Test
  @Tag("INV-PATH-2")
  void reservesTheMarksThatTheDataplaneUses() throws IOException {
    String header = Files.readString(Path.of("..", "bpf-c", "include", "sluice", "marks.h"));

    assertThat(header)
        .containsPattern(String.format("(?i)MARK_MASK = 0x%08x,", FelixSettings.RESERVED_MARKS));
  }

  @Test
  @Tag("INV-ENC-1")
  void refusesTheForwardingNetworkAsTheOverlays() throws IOException {
    SettingsException e =
        catchThrowableOfType(
            SettingsException.class,
            () -> load(MINIMAL + ", vxlanVNI = " + FelixSettings.FORWARDING_VNI + " }", Map.of()));

    assertThat(e)
        .hasMessage(
            folder
                + "/agent.conf:1: vxlanVNI: 16777214 is what traffic from outside is forwarded by,"
                + " write another number");
    assertThat(Files.readString(Path.of("..", "bpf-c", "include", "sluice", "route.h")))
        .contains(String.format("TUNNEL_VNI_FORWARD = 0x%06x,", FelixSettings.FORWARDING_VNI));
  }

  @Test
  void namesEverythingThatIsWrongAtOnce() {
    SettingsException e =
        catchThrowableOfType(
            SettingsException.class,
            () ->
                load(
                    MINIMAL + "\n vxlanPort = 0\n bpfLogLevel = Loud }",
                    Map.of("FELIX_VXLANVNI", "x")));

    assertThat(e.problems()).hasSize(3);
    assertThat(e.problems().get(0))
        .hasToString("environment: FELIX_VXLANVNI: \"x\" is not a whole number");
  }

  @Test
  void aMissingFileIsOneLine() {
    SettingsException e =
        catchThrowableOfType(
            SettingsException.class, () -> AgentConfig.load(folder.resolve("none.conf")));

    assertThat(e).hasMessage(folder + "/none.conf: cannot be read: there is no such file");
  }

  @Test
  void saysWhatHasNoEffect() throws Exception {
    AgentConfig config =
        load(
            MINIMAL + ", istioDSCPMark = 24, vxlanVNI = 4097, logSeverityScreen = Info }",
            Map.of("FELIX_BPFLOGLEVL", "x", "FELIX_IPV6SUPPORT", "true"));

    assertThat(config.problems())
        .extracting(Problem::toString)
        .containsExactly(
            "environment: FELIX_BPFLOGLEVL: is not a setting, did you mean FELIX_BPFLOGLEVEL?",
            "environment: FELIX_IPV6SUPPORT: has no effect in Sluice",
            folder + "/agent.conf:1: istioDSCPMark: has no effect in this version",
            folder + "/agent.conf:1: logSeverityScreen: has no effect in Sluice");
  }

  @Test
  void listsAllSettingsForPeople() throws Exception {
    List<Settings.Line> lines =
        load(MINIMAL + ", vxlanPort = 4790 }", Map.of()).settings(Map.of()).lines();

    assertThat(lines).hasSameSizeAs(FelixSettings.all());
    assertThat(lines)
        .filteredOn(l -> l.name().equals("vxlanPort"))
        .singleElement()
        .satisfies(l -> assertThat(l.value()).isEqualTo("4790"));
  }
}

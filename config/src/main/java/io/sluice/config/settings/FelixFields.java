// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Felix's settings that are none of Sluice's, because they are about parts that it does not have
 * (iptables chains, IPIP, WireGuard, flow log files, its own datastore) or does otherwise (logging,
 * health). Manifests that people have name them; they do no harm.
 */
final class FelixFields {
  private static final Set<String> OTHERS =
      Arrays.stream(
              """
              allowIPIPPacketsFromWorkloads allowVXLANPacketsFromWorkloads awsSrcDstCheck
              bpfEnabled bpfKubeProxyEndpointSlicesEnabled
              bpfKubeProxyIptablesCleanupEnabled cgroupV2Path
              chainInsertMode dataplaneDriver dataplaneWatchdogTimeout datastoreType
              debugDisableLogDropping debugHost debugMemoryProfilePath debugPort
              debugSimulateCalcGraphHangAfter debugSimulateDataplaneApplyDelay
              debugSimulateDataplaneHangAfter deviceRouteProtocol deviceRouteSourceAddress
              deviceRouteSourceAddressIPv6 disableConntrackInvalidCheck endpointReportingDelay
              endpointReportingEnabled endpointStatusPathPrefix externalNodesList etcdAddr
              etcdEndpoints etcdKeyFile etcdCertFile etcdCaFile etcdScheme featureDetectOverride
              featureGates felixHostname floatingIPs flowLogsCollectorDebugTrace flowLogsFlushInterval
              flowLogsGoldmaneServer flowLogsLocalReporter flowLogsPolicyEvaluationMode genericXDPEnabled
              goGCThreshold goMaxProcs goMemoryLimitMB healthEnabled healthHost healthPort
              healthTimeoutOverrides interfaceExclude interfaceRefreshInterval ipForwarding ipipEnabled
              ipipMTU ipsetsRefreshInterval iptablesBackend iptablesFilterAllowAction
              iptablesFilterDenyAction iptablesLockFilePath iptablesLockProbeInterval
              iptablesLockTimeout iptablesMangleAllowAction iptablesNATOutgoingInterfaceFilter
              iptablesPostWriteCheckInterval iptablesRefreshInterval ipv6Support kubeNodePortRanges
              liveMigrationRouteConvergenceTime localWorkloadPeeringIP
              logActionRateLimit logActionRateLimitBurst logDebugFilenameRegex logFilePath logPrefix
              logSeverityFile logSeverityScreen logSeveritySys maxIpsetSize metadataAddr metadataPort
              netlinkTimeout nfnetlinkBufSize nftablesDNSPolicyMode nftablesFilterAllowAction
              nftablesFilterDenyAction nftablesMangleAllowAction nftablesMode
              nftablesRefreshInterval openstackRegion policySyncPathPrefix programClusterRoutes
              prometheusGoMetricsEnabled prometheusMetricsCAFile prometheusMetricsCertFile
              prometheusMetricsClientAuth prometheusMetricsEnabled prometheusMetricsHost
              prometheusMetricsKeyFile prometheusMetricsPort prometheusProcessMetricsEnabled
              prometheusWireGuardMetricsEnabled removeExternalRoutes reportingInterval reportingTTL
              requireMTUFile routeRefreshInterval routeSource routeSyncDisabled routeTableRange
              routeTableRanges serviceLoopPrevention sidecarAccelerationEnabled typhaAddr typhaCAFile
              typhaCertFile typhaCN typhaK8sNamespace typhaK8sServiceName typhaKeyFile typhaReadTimeout
              typhaURISAN typhaWriteTimeout usageReportingEnabled usageReportingInitialDelay
              usageReportingInterval useInternalDataplaneDriver vxlanEnabled windowsManageFirewallRules
              wireguardHostEncryptionEnabled wireguardInterfaceName
              wireguardInterfaceNameV6 wireguardKeepAlive wireguardListeningPort
              wireguardListeningPortV6 wireguardMTU wireguardMTUV6 wireguardRoutingRulePriority
              wireguardThreadingEnabled xdpEnabled xdpRefreshInterval
              """
                  .split("\\s+"))
          .map(n -> n.toLowerCase(Locale.ROOT))
          .collect(Collectors.toUnmodifiableSet());

  private FelixFields() {}

  /** Whether Felix has a setting of that name, in any case. */
  static boolean isKnown(String name) {
    return OTHERS.contains(name.toLowerCase(Locale.ROOT));
  }
}

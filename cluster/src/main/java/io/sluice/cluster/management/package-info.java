// SPDX-License-Identifier: Apache-2.0
/** The node's HTTP: health, metrics, and the API that the command line uses, by Akka Management. */
package io.sluice.cluster.management;

// Tells PyTorch that there is one GPU. Its streams are never waited for. It is a CUDA device, or
// Apple's if the environment variable PRETENDED says mps.
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/detail/MPSHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>
#include <string_view>

using c10::Device, c10::DeviceIndex, c10::DeviceType, c10::Stream;

bool apple() {
  const char* said = std::getenv("PRETENDED");
  return said && std::string_view(said) == "mps";
}

template <DeviceType TYPE>
struct Guard final : c10::impl::NoOpDeviceGuardImpl<TYPE> {
  Device getDevice() const override { return {TYPE, 0}; }
  Device exchangeDevice(Device) const override { return getDevice(); }
  Stream getStream(Device device) const noexcept override { return Stream(Stream::DEFAULT, device); }
  Stream exchangeStream(Stream stream) const noexcept override { return stream; }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard<DeviceType::CUDA>)
C10_REGISTER_GUARD_IMPL(MPS, Guard<DeviceType::MPS>)

template <class Interface, bool APPLE>
struct Hooks : Interface {
  void init() const override {}
  bool isBuilt() const override { return apple() == APPLE; }
  bool isAvailable() const override { return apple() == APPLE; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex getCurrentDevice() const override { return 0; }
};

struct CUDAHooks final : Hooks<at::CUDAHooksInterface, false> {
  CUDAHooks(at::CUDAHooksArgs) {}
  bool hasCUDA() const override { return !apple(); }
  int getNumGPUs() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
};

struct MPSHooks final : Hooks<at::MPSHooksInterface, true> {
  bool hasMPS() const override { return apple(); }
};

using at::CUDAHooksArgs, at::CUDAHooksInterface, at::CUDAHooksRegistry;
using at::MPSHooksInterface, at::MPSHooksRegistry;
using at::RegistererCUDAHooksRegistry, at::RegistererMPSHooksRegistry;
REGISTER_CUDA_HOOKS(CUDAHooks)
REGISTER_MPS_HOOKS(MPSHooks)

#pragma once

// Makes entries of the function table out of plain C++ functions.
//
//   std::string repeatText(Runtime& runtime, std::int64_t count, std::string_view text);
//   constexpr Function kFunctions[] = {bind<&repeatText>("repeat"), bind<&upper>("upper"), …};
//
// The Go types of parameters and result follow from the C++ types:
//
//   Any                            interface {}
//   std::int64_t                   int
//   GoInt64                        int64
//   std::uint32_t                  uint32
//   bool, double                   bool, float64
//   std::string, std::string_view  string
//   Reflected                      reflect.Value
//   ListArgument                   []interface {}
//   MapArgument                    map[string]interface {}
//   Rest<T>                        ...T
//   Listed<type>, Mapped<type>, TimeValue, …: see below
//
// A leading Runtime& is no parameter of the template's function. Result<T> fails the function with
// the error's message. A std::string is copied into the arena; a std::string_view must live there,
// or in an argument.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "gotemplate/internal/functions.h"

namespace iop::gotemplate::internal {

struct GoInt64 {
  std::int64_t value;
};
struct Reflected {
  Any value;
};
struct ListArgument {
  Any value;
};
struct BytesArgument {
  Any value;
};
// May be a nil map.
struct MapArgument {
  Any value;
};
struct TimeArgument {
  const Time& value;
};
struct DurationValue {
  GoDuration value;
};
// Null for nil.
struct LocationArgument {
  const LocationPtr* value;
};
struct SemverArgument {
  const Semver* value;
};
struct CertificateArgument {
  const Certificate& value;
};

// A result whose type is known to the template, unlike that of an Any.
template <Type type>
struct Typed {
  Any value;
};

// The arguments of a variadic parameter.
template <typename T>
class Rest;

template <typename T>
struct ArgumentTraits;

template <Param kind>
struct ArgumentOf {
  static constexpr Param kParam = kind;
};
template <>
struct ArgumentTraits<Any> : ArgumentOf<Param::Any> {
  static Any read(const Any& value) { return value.unwrapped(); }
};
template <>
struct ArgumentTraits<Reflected> : ArgumentOf<Param::Reflect> {
  static Reflected read(const Any& value) { return {value}; }
};
template <>
struct ArgumentTraits<bool> : ArgumentOf<Param::Bool> {
  static bool read(const Any& value) { return value.asBool(); }
};
template <>
struct ArgumentTraits<std::int64_t> : ArgumentOf<Param::Int> {
  static std::int64_t read(const Any& value) { return value.integer; }
};
template <>
struct ArgumentTraits<GoInt64> : ArgumentOf<Param::Int64> {
  static GoInt64 read(const Any& value) { return {value.integer}; }
};
template <>
struct ArgumentTraits<std::uint32_t> : ArgumentOf<Param::Uint32> {
  static std::uint32_t read(const Any& value) {
    return static_cast<std::uint32_t>(value.unsignedInteger);
  }
};
template <>
struct ArgumentTraits<double> : ArgumentOf<Param::Float64> {
  static double read(const Any& value) { return value.number; }
};
template <>
struct ArgumentTraits<std::string_view> : ArgumentOf<Param::String> {
  static std::string_view read(const Any& value) { return value.asText(); }
};
template <>
struct ArgumentTraits<ListArgument> : ArgumentOf<Param::AnySlice> {
  static ListArgument read(const Any& value) { return {value}; }
};
template <>
struct ArgumentTraits<BytesArgument> : ArgumentOf<Param::ByteSlice> {
  static BytesArgument read(const Any& value) { return {value}; }
};
template <>
struct ArgumentTraits<MapArgument> : ArgumentOf<Param::AnyMap> {
  static MapArgument read(const Any& value) { return {value}; }
};
template <>
struct ArgumentTraits<TimeArgument> : ArgumentOf<Param::Time> {
  static TimeArgument read(const Any& value) { return {*value.time}; }
};
template <>
struct ArgumentTraits<DurationValue> : ArgumentOf<Param::Duration> {
  static DurationValue read(const Any& value) { return {value.integer}; }
};
template <>
struct ArgumentTraits<LocationArgument> : ArgumentOf<Param::Location> {
  static LocationArgument read(const Any& value) { return {value.location}; }
};
template <>
struct ArgumentTraits<SemverArgument> : ArgumentOf<Param::SemverPointer> {
  static SemverArgument read(const Any& value) { return {value.semver}; }
};
template <>
struct ArgumentTraits<CertificateArgument> : ArgumentOf<Param::Certificate> {
  static CertificateArgument read(const Any& value) { return {*value.certificate}; }
};

template <typename T>
class Rest {
 public:
  explicit Rest(std::span<const Any> arguments) : arguments_(arguments) {}

  std::size_t size() const { return arguments_.size(); }
  bool empty() const { return arguments_.empty(); }
  T operator[](std::size_t index) const { return ArgumentTraits<T>::read(arguments_[index]); }

 private:
  std::span<const Any> arguments_;
};

// --- Results ---

template <typename T>
struct ResultTraits;

template <>
struct ResultTraits<Any> {
  static constexpr std::string_view kName = "any";
  static Any wrap(Runtime&, const Any& value) { return value.asInterface(); }
};
template <>
struct ResultTraits<Reflected> {
  static constexpr std::string_view kName = "any";
  static Any wrap(Runtime&, const Reflected& value) { return value.value; }
};
template <>
struct ResultTraits<bool> {
  static constexpr std::string_view kName = "bool";
  static Any wrap(Runtime&, bool value) { return Any::boolean(value); }
};
template <>
struct ResultTraits<std::int64_t> {
  static constexpr std::string_view kName = "int";
  static Any wrap(Runtime&, std::int64_t value) { return Any::integerOf(value); }
};
template <>
struct ResultTraits<std::size_t> {
  static constexpr std::string_view kName = "int";
  static Any wrap(Runtime&, std::size_t value) {
    return Any::integerOf(static_cast<std::int64_t>(value));
  }
};
template <>
struct ResultTraits<GoInt64> {
  static constexpr std::string_view kName = "int64";
  static Any wrap(Runtime&, GoInt64 value) { return Any::integer64(value.value); }
};
template <>
struct ResultTraits<double> {
  static constexpr std::string_view kName = "float64";
  static Any wrap(Runtime&, double value) { return Any::float64(value); }
};
template <>
struct ResultTraits<std::string> {
  static constexpr std::string_view kName = "string";
  static Any wrap(Runtime& runtime, const std::string& value) { return runtime.makeString(value); }
};
template <>
struct ResultTraits<std::string_view> {
  static constexpr std::string_view kName = "string";
  static Any wrap(Runtime&, std::string_view value) { return Any::string(value); }
};
template <>
struct ResultTraits<Time> {
  static constexpr std::string_view kName = "time.Time";
  static Any wrap(Runtime& runtime, const Time& value) { return runtime.makeTime(value); }
};
template <>
struct ResultTraits<DurationValue> {
  static constexpr std::string_view kName = "time.Duration";
  static Any wrap(Runtime&, DurationValue value) {
    return Any::ofInteger(Type::Duration, value.value);
  }
};
template <Type type>
struct ResultTraits<Typed<type>> {
  static constexpr std::string_view kName = typeName(type);
  static Any wrap(Runtime&, const Typed<type>& value) { return value.value.unwrapped(); }
};
template <typename T>
struct ResultTraits<Result<T>> {
  static constexpr std::string_view kName = ResultTraits<T>::kName;
  static Any wrap(Runtime& runtime, Result<T> value) {
    return ResultTraits<T>::wrap(runtime, valueOrFail(std::move(value)));
  }
};

// --- Binding ---

namespace binding {

template <typename T>
struct IsRest : std::false_type {};
template <typename T>
struct IsRest<Rest<T>> : std::true_type {
  using Element = T;
};

// The parameter's type in the table: that of the elements for a Rest.
template <typename T>
constexpr Param paramOf() {
  if constexpr (IsRest<T>::value) {
    return ArgumentTraits<typename IsRest<T>::Element>::kParam;
  } else {
    return ArgumentTraits<T>::kParam;
  }
}

template <typename T>
T argumentAt(std::span<const Any> arguments, std::size_t index) {
  if constexpr (IsRest<T>::value) {
    return T(arguments.subspan(index));
  } else {
    return ArgumentTraits<T>::read(arguments[index]);
  }
}

template <auto function, typename Returned, bool takesRuntime, typename... Parameters>
struct Binding {
  static constexpr std::array<Param, sizeof...(Parameters)> kParams{paramOf<Parameters>()...};
  static constexpr bool kIsVariadic = (IsRest<Parameters>::value || ...);
  static constexpr std::string_view kResult = ResultTraits<Returned>::kName;

  static Any invoke(Runtime& runtime, std::span<const Any> arguments) {
    return invokeAt(runtime, arguments, std::index_sequence_for<Parameters...>{});
  }

  template <std::size_t... indexes>
  static Any invokeAt(Runtime& runtime, std::span<const Any> arguments,
                      std::index_sequence<indexes...>) {
    if constexpr (takesRuntime) {
      return ResultTraits<Returned>::wrap(
          runtime, function(runtime, argumentAt<Parameters>(arguments, indexes)...));
    } else {
      return ResultTraits<Returned>::wrap(runtime,
                                          function(argumentAt<Parameters>(arguments, indexes)...));
    }
  }
};

template <auto function, typename Signature>
struct BindingOf;
template <auto function, typename Returned, typename... Parameters>
struct BindingOf<function, Returned (*)(Parameters...)>
    : Binding<function, Returned, false, Parameters...> {};
template <auto function, typename Returned, typename... Parameters>
struct BindingOf<function, Returned (*)(Runtime&, Parameters...)>
    : Binding<function, Returned, true, Parameters...> {};

}  // namespace binding

template <auto function>
constexpr Function bind(std::string_view name, std::string_view group) {
  using Bound = binding::BindingOf<function, decltype(function)>;
  Function out;
  out.name = name;
  out.params = Bound::kParams;
  out.isVariadic = Bound::kIsVariadic;
  out.invoke = &Bound::invoke;
  out.result = Bound::kResult;
  out.group = group;
  return out;
}

}  // namespace iop::gotemplate::internal
